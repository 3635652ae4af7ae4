"""How ready a project is for production: the ML Test Score and a maturity level, from evidence."""
