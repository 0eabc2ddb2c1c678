"""The machine and its processes: signals, environment of workers, versions and device."""
