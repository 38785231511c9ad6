"""``shape_magic strip notebook.ipynb``: a copy for handing in, without magics, widgets and our outputs."""
