"""The project's features for Tecton."""
