"""What ``tests/run.py`` runs, and what it needs for that."""
