"""The drills, one a file. A new one is a file here and an entry in `drills.catalog`."""
