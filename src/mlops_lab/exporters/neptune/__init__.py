"""The project's runs for Neptune: see `export`."""
