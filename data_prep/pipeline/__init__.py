"""What the preparation of every task shares."""
