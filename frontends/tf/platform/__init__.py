"""What scripts lean on beside the graph: flags, files, logging, nests, options."""
