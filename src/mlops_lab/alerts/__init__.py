"""Alerts: what somebody should look at, and the channels that they are sent through."""
