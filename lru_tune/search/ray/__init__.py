"""Running trials through Ray: its cluster, its trials and adapters of our searcher and schedulers."""
