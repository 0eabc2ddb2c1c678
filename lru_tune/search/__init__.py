"""Searches: planned, run through Ray, recorded in a journal, resumed, and confirmed over fresh seeds."""
