"""How things are: a report of the project, and the same in sentences."""
