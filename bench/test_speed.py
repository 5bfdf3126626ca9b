"""A subset for pytest-benchmark: ``python -m pytest bench``. No assertion on time."""

import pytest

from bench.cases import IMPLEMENTATIONS, Case

CASE = Case(20_000, 2, 4)


@pytest.mark.parametrize("implementation", IMPLEMENTATIONS[:2], ids=lambda each: each.name)
def test_five_rounds(benchmark, implementation):
    X, start = CASE.problem()
    parameters = benchmark.pedantic(implementation.run, (X, start, 5), rounds=5, warmup_rounds=1)
    assert parameters.weights.sum() == pytest.approx(1.0)
