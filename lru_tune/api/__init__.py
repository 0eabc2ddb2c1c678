"""What the command line and Python calls share: searching, training, loading and comparing."""
