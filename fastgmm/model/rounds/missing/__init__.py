"""A pass over rows in which values are missing, pattern by pattern, and what completes its sums."""
