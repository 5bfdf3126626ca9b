"""Rows from files as people have them: how text is written is found out, and asked for where that is ambiguous."""
