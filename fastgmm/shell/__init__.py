"""The street: the ``fastgmm`` command, the tables it reads and the files it writes."""
