"""Capture: what the cells do with Keras, seen as it happens and changed in nothing."""
