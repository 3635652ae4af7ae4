"""Intake: data files, outcomes, facts and the journal are brought into the lake, each row exactly once."""
