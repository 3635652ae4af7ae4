"""Where alerts are sent. One channel a file."""
