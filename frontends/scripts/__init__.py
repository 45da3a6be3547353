"""Unmodified TF1 scripts: running them on graphc, and reading what they use of TF1."""
