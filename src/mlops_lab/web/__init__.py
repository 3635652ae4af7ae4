"""The page of a project: what is live, why, how sure, and what comes next. Rendered on the server."""
