"""Contractions, linear algebra, transforms."""
