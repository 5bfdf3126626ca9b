"""Moments by kind, and those of the columns of all rows."""
