"""Sessions, devices and memory: everything that runs a Program.  Imports graphc, never frontends."""
