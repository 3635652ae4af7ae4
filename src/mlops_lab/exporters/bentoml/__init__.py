"""The live version as a BentoML service."""
