"""The graph: dims, dtypes, nodes, the op record and registry, the Builder, text form, verifier."""
