"""Engines: what answers rows of model inputs, out of a file that cannot execute code. One engine a file."""
