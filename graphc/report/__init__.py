"""What a person sees of a compiled graph."""
