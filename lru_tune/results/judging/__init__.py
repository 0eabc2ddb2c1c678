"""Statistics over seeds, the best run, and verdicts."""
