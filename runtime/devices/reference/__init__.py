"""The reference device: NumPy, op by op.  Slow, obvious, the oracle of the others."""
