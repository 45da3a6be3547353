"""Ways to make a graph."""
