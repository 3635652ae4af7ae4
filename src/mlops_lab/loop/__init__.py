"""The loop: each tick observes what the lake holds, decides what is due, and acts on it."""
