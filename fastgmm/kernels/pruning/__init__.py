"""A pass that leaves out pairs of a block and a component which cannot change its sums."""
