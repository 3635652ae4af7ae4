"""Channels: where alerts are sent. Each has its own file; `run.CHANNELS` lists them."""
