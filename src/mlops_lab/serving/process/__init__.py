"""The processes of a server: workers, their supervisor, their address."""
