"""Late labels: accepted, joined to their prediction once, or told why not."""
