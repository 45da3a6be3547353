"""Graphs as TensorFlow's ``GraphDef`` messages: written, read, and cut to what is needed."""
