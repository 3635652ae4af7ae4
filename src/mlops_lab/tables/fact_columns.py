"""Columns of facts that say where they come from."""

OF_OUTCOME = "_of_outcome"
"""Whether a fact of the source table, as a server has seen it, is the outcome of a request that a server answered."""
