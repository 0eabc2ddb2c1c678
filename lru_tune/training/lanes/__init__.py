"""Many runs trained side by side by one compiled program."""
