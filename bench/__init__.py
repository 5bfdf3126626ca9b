"""Benchmarks: verify that the answers are equal, then time. ``python -m bench --help``."""
