"""The live version for MLServer and Seldon Core."""
