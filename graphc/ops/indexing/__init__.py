"""Ops that read indices or make them: gathers, scatters, segments, order, sets."""
