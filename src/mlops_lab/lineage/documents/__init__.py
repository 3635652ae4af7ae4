"""Documents about a version in the formats of other tools, made from recorded facts only."""
