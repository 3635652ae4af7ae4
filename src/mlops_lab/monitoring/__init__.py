"""Monitoring: measurements of the quality of answers, of the data, and of its drift, over windows of time."""
