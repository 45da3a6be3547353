"""Checkpoints: arrays by name in files.  Knows nothing of graphs or of any front end."""
