"""Reductions, and folds that keep their way."""
