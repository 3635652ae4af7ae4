"""Signed packages: the keys that a project trusts, and the signature over all files of a package."""
