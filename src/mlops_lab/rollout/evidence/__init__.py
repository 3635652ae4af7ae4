"""Tests that stay valid however often one looks: paired losses, arms of an A/B test, shares of traffic.

Pure functions on arrays of block means (a block is a day, or another declared cluster of requests); no I/O.
"""
