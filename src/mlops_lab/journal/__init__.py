"""The journal: records that a server writes before it answers, in checksummed frames."""
