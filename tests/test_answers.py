"""The comparison of two versions' answers: equal files are equal, and one changed bit is found."""

from pathlib import Path

import numpy as np
import pytest

if not (Path(__file__).parent.parent / "bench").is_dir():
    pytest.skip("the benchmarks are not part of an installed package", allow_module_level=True)

from bench.answers import compare, measure

ONLY = ("full", "float64", "255x1", "K=2", "kmeans", "threads=1")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Answers of two fits, and the same with one bit of a mean changed."""
    folder = tmp_path_factory.mktemp("answers")
    old, new = folder / "old.npz", folder / "new.npz"
    measure.measure(str(old), ONLY)
    with np.load(old) as file:
        content = dict(file)
    content["digests"][1] = "changed"
    position = content["lengths"][0].sum() + content["lengths"][1, 0]
    content["values"][position] = np.nextafter(content["values"][position], np.inf)
    np.savez(new, **content)
    return str(old), str(new)


def test_names_of_the_grid_are_unique():
    names = [fit.name for fit in measure.grid()]
    assert len(set(names)) == len(names) > 10_000


def test_equal_answers_are_equal(files, capsys):
    assert compare.compare(files[0], files[0]) == 0
    assert "2 fits compared, 0 differ" in capsys.readouterr().out


def test_one_bit_is_found(files, capsys):
    assert compare.compare(*files) == 1
    shown = capsys.readouterr().out
    assert "2 fits compared, 1 differ" in shown
    assert "(means)" in shown
    assert "1/2 " in shown


def test_an_error_is_not_an_answer():
    arrays = [np.zeros(2)] * len(measure.ANSWERS)
    failed = compare.Answers("a", "ValueError: no", arrays)
    assert compare.difference(failed, compare.Answers("b", "", arrays)) == (np.inf, "ValueError: no")
    longer = compare.Answers("c", "", [*arrays[:3], np.zeros(3), *arrays[4:]])
    assert compare.difference(compare.Answers("b", "", arrays), longer)[0] == np.inf
