"""A version as a container image: serving, batch scoring or training."""
