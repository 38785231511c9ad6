"""Displays: each reads the same ``View`` of a report, so that line, ladder, table, text and figure agree."""
