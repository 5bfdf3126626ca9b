"""The machine: what is done with blocks of rows; ``work.py`` says on what, ``tasks.py`` by which passes."""
