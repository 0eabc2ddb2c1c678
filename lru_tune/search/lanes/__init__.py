"""Lane servers: Ray actors that each own a device and train many trials side by side."""
