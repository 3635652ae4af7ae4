"""The live version for whylogs."""
