"""The method: starts, the loop, and when it stops."""
