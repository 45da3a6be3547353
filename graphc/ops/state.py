"""Ops of this family."""
