"""Where an answer came from: request, features, version, run, data, code, environment."""
