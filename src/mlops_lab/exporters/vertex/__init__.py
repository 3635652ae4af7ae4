"""The versions that answer as an endpoint of Vertex AI."""
