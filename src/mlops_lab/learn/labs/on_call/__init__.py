"""A game day: a service that is on fire, with a clock."""
