"""What a run starts from and does besides computing: sources, state, checks, Python."""
