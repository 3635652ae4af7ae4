"""The newest predictions for Arize Phoenix."""
