"""What people type. The only package that prints; commands load when they are called, never before."""

from mlops_lab.cli.main import main

__all__ = ["main"]
