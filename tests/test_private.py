"""What rests on Numba's inside can fall: each name is there today, and right answers come without it."""

import tomllib
from pathlib import Path
from typing import NamedTuple

import numba
import numpy as np
import pytest
from conftest import make_problem, run

import fastgmm
from fastgmm._numba.private import PRIVATE, find

PYPROJECT = Path(fastgmm.__file__).parents[1] / "pyproject.toml"

# One of each thing that rests on a private name: a function kept on disk, one chosen by the class of a named tuple,
# an address, a context with one.
TINY = """
from typing import NamedTuple
import numpy as np
from fastgmm._numba.options import entry, generic, implements, task
from fastgmm._numba.pointers import member

class Double(NamedTuple):
    values: np.ndarray

class Triple(NamedTuple):
    values: np.ndarray

@generic
def multiplied(model):
    pass

@implements(multiplied, Double)
def _double(model):
    return 2.0 * model.values[0]

@implements(multiplied, Triple)
def _triple(model):
    return 3.0 * model.values[0]

@task
def evaluate(model, out):
    out[0] = multiplied(model)
    return 1

@entry
def call(run, model, out):
    return run(model, out)

@entry
def call_behind(context):
    return member(context, 0)(member(context, 1), member(context, 2))
"""
USE = """
import sys; sys.path.insert(0, {path!r})
import fastgmm, fastgmm._numba.compiling, numpy as np, tiny
from fastgmm._numba.addresses import by_address
from fastgmm._numba.pointers import kind_of, packed
from fastgmm._numba.private import FELL_BACK
out = np.zeros(1)
for model in tiny.Double(np.array([5.0])), tiny.Triple(np.array([5.0])):
    address = by_address(tiny.evaluate, model, out)
    print(tiny.call(address, model, out), out[0])
behind = (address, model, out)
print(tiny.call_behind(packed(behind, kind_of(behind))))
print(sorted(FELL_BACK))
fastgmm.show_config()
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    root = tmp_path_factory.mktemp("tiny")
    (root / "tiny.py").write_text(TINY)
    return root


def use(root, hidden=""):
    program = USE.format(path=str(root))
    *answers, fell_back, config = run(
        program, NUMBA_CACHE_DIR=str(root / "cache" / str(hash(hidden))), FASTGMM_WITHOUT=hidden
    ).split("\n", 4)
    return answers, fell_back, config


@pytest.mark.compiled
def test_this_numba_has_every_name(tiny):
    answers, fell_back, config = use(tiny)
    assert answers == ["1 10.0", "1 15.0", "1"]
    assert fell_back == "[]"
    assert "fell back  nothing" in config


@pytest.mark.compiled
@pytest.mark.parametrize("name", PRIVATE)
def test_without_a_name_the_answer_is_the_same_and_a_note_says_so(tiny, name):
    answers, fell_back, config = use(tiny, name)
    assert answers == ["1 10.0", "1 15.0", "1"]
    assert fell_back == f"[{name!r}]"
    assert f"{name}: {PRIVATE[name]}" in config


FIT = """
import sys, numpy as np, fastgmm
data = np.load(sys.argv[1])
start = fastgmm.Mixture(data["weights"], data["means"], data["covariances"])
for rows in data["X"][:300], data["X"]:
    result = fastgmm.fit(rows, 2, init=start, max_iter=3, tol=0.0)
    print(*result.trace, result.log_likelihood)
for _ in range(2):  # the second takes the buffers of the first
    print(*fastgmm.fit(data["X"][:300], 2, max_iter=3, tol=0.0).trace)
"""


@pytest.mark.compiled
def test_small_and_parallel_fits_without_any_of_the_names(tmp_path):
    X, start = make_problem(100_000, 2, 2)
    np.savez(tmp_path / "data.npz", X=X, weights=start.weights, means=start.means, covariances=start.covariances)
    program = FIT.replace("sys.argv[1]", repr(str(tmp_path / "data.npz")))
    with_names = np.array(run(program).split(), float)
    without = np.array(
        run(program, FASTGMM_WITHOUT=",".join(PRIVATE), NUMBA_CACHE_DIR=str(tmp_path / "cache")).split(), float
    )
    assert len(without) == 14
    np.testing.assert_allclose(without, with_names, rtol=1e-12)
    assert not list((tmp_path / "cache").rglob("*.nb*"))


class Model(NamedTuple):
    values: np.ndarray


def test_a_name_that_is_not_listed_cannot_be_found():
    with pytest.raises(KeyError):
        find("numba.core.dispatcher:Dispatcher._memo")


@pytest.mark.compiled
def test_the_type_of_a_named_tuple_knows_its_class():
    for model in Model(np.zeros(1)), Model(1):
        assert numba.typeof(model).instance_class is Model


@pytest.mark.compiled
def test_numba_asks_the_cache_of_a_dispatcher():
    calls = []

    class Recorder:
        def load_overload(self, signature, context):
            calls.append("load")

        def save_overload(self, signature, compiled):
            calls.append("save")

    twice = numba.njit(lambda x: x + x)
    twice._cache = Recorder()
    assert twice(2) == 4
    assert calls == ["load", "save"]


@pytest.mark.compiled
def test_numba_asks_an_object_for_its_type():
    class Float:
        _numba_type_ = numba.float64

    assert numba.typeof(Float()) is numba.float64


@pytest.mark.compiled
def test_numbas_half_of_the_cache():
    half = find("numba.core.caching:CompileResultCacheImpl")(make_problem)
    assert half.filename_base.startswith("conftest.make_problem")
    assert Path(half.locator.get_cache_path()).is_absolute()
    assert all(callable(getattr(half, name)) for name in ("reduce", "rebuild", "check_cachable"))


@pytest.mark.skipif(not PYPROJECT.exists(), reason="an installed copy has no pyproject.toml")
def test_numba_is_within_the_bounds_stated():
    """The private names were looked up in these versions; the next one gets in when this test has seen it."""
    requirements = tomllib.loads(PYPROJECT.read_text())["project"]["dependencies"]
    (bounds,) = [text.removeprefix("numba") for text in requirements if text.startswith("numba")]
    lower, upper = (bound.strip() for bound in bounds.split(","))
    assert lower.startswith(">=")
    assert upper.startswith("<")

    def numbers(version):
        return [int(part) for part in version.split(".")[:2]]

    assert numbers(lower[2:]) <= numbers(numba.__version__) < numbers(upper[1:])


def test_show_config_starts_no_threads(capsys):
    program = """
import fastgmm
assert fastgmm.show_config() is None
import numba
try:
    numba.threading_layer()
except ValueError:
    print("none started")
"""
    assert run(program).endswith("none started\n")
    fastgmm.show_config()
    text = capsys.readouterr().out
    for word in ("fastgmm", "Python", "NumPy", "Numba", "llvmlite", "processor", "vectors", "threads", "cache"):
        assert f"\n{word} " in f"\n{text}"
    assert fastgmm.__version__ in text
