"""Launches over pieces of rows: threads, buffers, addresses."""
