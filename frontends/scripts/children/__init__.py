"""For the import path of processes that a script starts: its ``tensorflow`` is graphc's.

It is put there by :mod:`frontends.scripts.imports`, and only for the time a script runs.
"""
