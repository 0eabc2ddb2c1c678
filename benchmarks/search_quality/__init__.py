"""How good is the configuration that a search finds? Measured on learning curves of others."""
