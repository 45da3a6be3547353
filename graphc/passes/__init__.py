"""One file per pass; the order is in graphc.pipeline."""
