"""Repairs as data, written into the user's source and proved before they are shown."""
