"""The graph as TF1 shows it: building, tensors, shapes, gradients, what is known of values."""
