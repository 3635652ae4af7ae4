"""Late labels: each is joined to its prediction once, or refused with the reason."""
