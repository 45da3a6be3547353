"""Reverse and forward mode; knows no op by name."""
