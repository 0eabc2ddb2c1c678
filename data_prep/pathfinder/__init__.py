"""Pathfinder and Path-X, generated or as published."""
