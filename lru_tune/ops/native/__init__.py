"""The linear scan in C++, built with the user's compiler when it is asked for; never required."""
