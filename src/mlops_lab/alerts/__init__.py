"""Alerts: what somebody should look at, written down when it is noticed."""
