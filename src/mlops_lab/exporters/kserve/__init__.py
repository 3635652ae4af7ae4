"""The live version for KServe's own server."""
