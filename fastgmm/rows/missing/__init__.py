"""Rows in which values are missing at random: exact EM, pattern by pattern of what is observed."""
