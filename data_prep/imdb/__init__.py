"""IMDb reviews read character by character."""
