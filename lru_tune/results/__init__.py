"""Run directories as pandas frames, choices and reports."""
