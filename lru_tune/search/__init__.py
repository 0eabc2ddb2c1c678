"""The Ray Tune layer: the only code that imports ray."""
