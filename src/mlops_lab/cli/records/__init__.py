"""What commands print with `--json`, where no other module has a record for it. Fields are only ever added."""
