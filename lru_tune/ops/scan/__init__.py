"""The linear scan, in JAX and as GPU kernels."""
