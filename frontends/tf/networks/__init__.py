"""Activations, losses, normalization, embeddings, sampled classes."""
