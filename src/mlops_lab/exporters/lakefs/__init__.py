"""What lakeFS gets."""
