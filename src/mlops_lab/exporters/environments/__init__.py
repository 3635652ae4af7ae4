"""The environment that a version was trained in, in the formats of the tools that install it."""
