"""Bringing data in: data files, journal, outcomes and late facts into the lake."""
