"""The protocols that clients speak: each is another way to the same answers."""
