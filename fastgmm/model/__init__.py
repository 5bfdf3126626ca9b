"""The paper: parameters and statistics as plain data, the table of structures, M steps, and the rounds of EM."""
