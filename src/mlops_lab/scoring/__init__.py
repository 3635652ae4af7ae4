"""Batch scoring: files of requests, answered by the champion."""
