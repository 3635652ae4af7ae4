"""Exercises for a class: as zip files, as a repository of GitHub Classroom, as an nbgrader course."""
