"""Rounds over rows, and labels of these, in which pairs of rows and components that cannot matter are left out."""
