"""``python -m pytest bench`` times: one benchmark at a time, in one process."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if config.getoption("numprocesses", None):
        raise pytest.UsageError("benchmarks are timed one at a time: leave out -n")
    # The tests' --dist=loadgroup, which without -n does nothing, is what pytest-benchmark takes for a parallel run.
    config.option.dist = "no"
