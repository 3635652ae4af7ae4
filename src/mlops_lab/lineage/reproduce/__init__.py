"""A registered version trained again from its record alone, and compared with what was registered."""
