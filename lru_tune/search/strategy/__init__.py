"""Which trials are proposed, which are stopped early, and the journal of both."""
