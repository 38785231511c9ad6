"""A package in name, so that no other ``tests`` that lies on the path is taken for it."""
