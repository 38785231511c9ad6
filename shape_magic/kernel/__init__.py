"""The IPython side: the magic, the cell's events, the display and what a pressed button means."""
