"""`reproduce.py`, `lru-tune reproduce`."""
