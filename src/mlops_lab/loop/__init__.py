"""Observe, decide, act: `tick(now)` reads the world from the lake and brings it one turn further."""
