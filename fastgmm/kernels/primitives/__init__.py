"""What the kernels are made of: exp, Cholesky factors, register tiles, distances."""
