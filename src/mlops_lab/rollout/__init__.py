"""The way from candidate to champion: decisions, the state they fold into, the next step."""
