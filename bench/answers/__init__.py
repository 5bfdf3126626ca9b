"""Are the answers of two versions the same to the bit? ``python -m bench.answers``."""
