"""Trials in the lanes of a server that owns a device."""
