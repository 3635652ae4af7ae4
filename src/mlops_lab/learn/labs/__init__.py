"""Labs: longer than exercises. Each is a story, a project that is made on the learner's machine, and named checks."""
