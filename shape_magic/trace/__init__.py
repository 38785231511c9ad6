"""Trace: shapes from Keras itself, without building weights; live objects in, frozen facts out."""
