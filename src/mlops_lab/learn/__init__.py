"""Exercises: a learner repairs code that fails, and a grader runs it on hidden data."""
