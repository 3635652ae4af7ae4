"""The live version for Evidently."""
