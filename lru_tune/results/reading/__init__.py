"""Reads run directories and experiment folders into pandas frames."""
