"""Running trials through Ray."""
