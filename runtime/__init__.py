"""Sessions, devices and memory: all that runs a Program.  Imports graphc, never frontends."""
