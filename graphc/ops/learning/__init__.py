"""Losses, pooling, images, the steps of optimizers."""
