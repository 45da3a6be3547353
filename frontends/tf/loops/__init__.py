"""Branches and loops in the graph."""
