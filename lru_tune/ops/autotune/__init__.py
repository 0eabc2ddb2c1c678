"""Which back end is the fastest on this device."""
