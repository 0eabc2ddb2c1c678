"""Statistics over seeds, the choice of the best run, and verdicts."""
