"""Rounds over rows in memory in which pairs of rows and components that cannot matter are left out."""
