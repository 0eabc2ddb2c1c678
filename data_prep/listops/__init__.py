"""ListOps, generated or as published."""
