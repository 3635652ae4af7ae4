"""The protocols that clients speak: each is a way to the same answers."""
