"""One folder per device: a target half that compiles, a driver half that runs."""
