"""Log-densities by kind."""
