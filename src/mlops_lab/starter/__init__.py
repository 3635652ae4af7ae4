"""From a table to a project: what its columns are, and the files that say so."""
