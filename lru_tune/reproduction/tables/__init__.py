"""The tables that a reproduction writes."""
