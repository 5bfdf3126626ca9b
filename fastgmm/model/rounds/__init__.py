"""Rounds, compiled: of EM, of k-means, over columns; what they share, and the M steps."""
