"""CIFAR-10 read pixel by pixel."""
