"""Rows in the partitions of a Dask array or frame: a task a partition, sums that Dask adds up."""
