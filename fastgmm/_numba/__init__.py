"""The cellar: everything that rests on Numba and is no arithmetic."""
