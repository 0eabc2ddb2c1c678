"""What a finished search suggests to try next."""
