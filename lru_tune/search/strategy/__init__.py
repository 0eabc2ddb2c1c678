"""Which trials are run and which are stopped early, and the journal of both. Imports no Ray."""
