"""Variables and how they are made: scopes, getters, initializers, regularizers, partitions."""
