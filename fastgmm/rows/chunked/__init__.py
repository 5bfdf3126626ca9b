"""Rows that come in chunks and are read again in each round: memory is bounded by a few of them."""
