"""A budget of false alarms for all monitors together: what is unusual by a project's own history, and when to tell.

Pure functions on arrays of daily values (..., monitors, days); no I/O.
"""
