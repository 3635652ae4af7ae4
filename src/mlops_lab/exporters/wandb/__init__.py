"""The project's runs for Weights & Biases: see `export`."""
