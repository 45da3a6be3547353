"""Ops that take each element by itself."""
