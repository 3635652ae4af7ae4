"""Server and loop together on one machine: `mlops up`."""
