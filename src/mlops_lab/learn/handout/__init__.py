"""Exercises for a class: as zip files, as a repository of GitHub Classroom, as courses for nbgrader and Otter."""
