"""The project's runs for trackers: read once, written as one file that a script of each tracker logs."""
