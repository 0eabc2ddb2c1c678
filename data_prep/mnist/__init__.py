"""MNIST read pixel by pixel."""
