"""Fast operators with slow, obviously right twins."""
