"""The user's source: read as Python whatever IPython syntax it has, and edited by the touched characters alone."""
