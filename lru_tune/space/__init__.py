"""Search spaces: domains, layers, validation. Imports neither Ray nor JAX."""
