"""Run directories and experiment folders as pandas frames."""
