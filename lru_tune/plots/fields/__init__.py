"""Pictures of the searched fields."""
