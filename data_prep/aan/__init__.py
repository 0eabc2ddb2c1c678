"""AAN, document retrieval (Retrieval in Long Range Arena)."""
