"""To a colleague's machine, and an orchestrator."""
