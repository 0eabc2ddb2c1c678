"""What a trained run gives away: its parameters, its eigenvalues, its function."""
