"""Fewer rounds: quasi-Newton steps between M steps, each kept only if the likelihood has not fallen."""
