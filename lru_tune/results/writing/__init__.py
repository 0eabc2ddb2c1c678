"""Tables, best.yaml, report.md and exported folders."""
