"""``python -m bench compare``: the same rounds, and whole fits, of fastgmm and its peers."""
