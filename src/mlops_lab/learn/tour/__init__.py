"""A tour through the project of a finished demo: questions that its commands answer, checked against its tables."""
