"""Ops that rearrange, cut, join, pad and repeat."""
