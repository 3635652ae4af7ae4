"""From a notebook to a watched service."""
