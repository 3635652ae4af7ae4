"""From a table to a new project: the analysis of its columns, and the files of the project."""
