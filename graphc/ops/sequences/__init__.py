"""Ops on sequences without an alignment: their loss, and how they are read from scores."""
