"""Answering requests: routing, features, scoring, logging. Without HTTP."""
