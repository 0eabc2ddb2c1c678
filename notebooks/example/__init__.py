"""A search and a reproduction, both real and small, for the notebooks to be read with."""
