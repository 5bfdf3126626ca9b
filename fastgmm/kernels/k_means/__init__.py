"""k-means on the blocks of the mixture kernels."""
