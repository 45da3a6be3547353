"""Functions of tensors, one file per family."""
