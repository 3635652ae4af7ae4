"""The project's runs for TensorBoard: see `export`."""
