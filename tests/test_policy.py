"""Rules of the code base that a reader relies on: who imports whom, what an import costs, how caching works."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import fastgmm

ROOT = Path(fastgmm.__file__).parent
MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


def imports_of(path):
    """Names of modules imported anywhere in a file, those of the package relative to its root."""
    names = set()
    package = list(Path(path).parent.parts)
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            names |= {"." + ".".join([*base, alias.name]) for alias in node.names}
            names.add("." + ".".join(base))
    return {name.replace("fastgmm.", ".", 1) if name.startswith("fastgmm.") else name for name in names}


@pytest.mark.parametrize("path", MODULES)
def test_only_four_files_import_numba(path):
    uses = any(name.split(".")[0] in {"numba", "llvmlite"} for name in imports_of(path))
    assert uses == (path in {"_address.py", "_bits.py", "_jit.py", "_threads.py"})


@pytest.mark.parametrize("path", [path for path in MODULES if path.startswith("kernels/")])
def test_kernels_import_primitives_only(path):
    # full_small is the small end of full, so it may.
    structures = {
        f".kernels.{name}" for name in ("full", "diagonal", "spherical", "tied") if path != "kernels/full_small.py"
    }
    inside = {name for name in imports_of(path) if name.startswith(".")}
    allowed = ("._bits", "._jit", ".kernels")
    assert all(name.startswith(allowed) for name in inside), inside
    if path != "kernels/__init__.py":
        assert not inside & structures, "one structure imports another"


@pytest.mark.parametrize("path", MODULES)
def test_what_sits_on_top_is_imported_by_nobody_below(path):
    top = {"__init__", "shell", "pictures", "model_selection"}
    if path not in {"__init__.py", "__main__.py", "model_selection.py"} and path.split("/")[0] not in top:
        inside = {name.split(".")[1] for name in imports_of(path) if name.startswith(".")}
        assert not inside & top


def test_em_knows_no_numba_and_no_data():
    inside = {name.split(".")[1] for name in imports_of("em.py") if name.startswith(".") and name != "."}
    assert inside <= {"parameters", "regularisation", "results", "sources", "steps"}


@pytest.mark.parametrize("path", MODULES)
def test_files_are_read_in_one_sitting(path):
    assert len((ROOT / path).read_text().splitlines()) <= 280


def run(program, **environment):
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_is_light():
    """Importing the package imports no optional dependency and compiles nothing."""
    heavy = "{'matplotlib', 'sklearn', 'scipy', 'pandas', 'pyarrow', 'typer', 'rich'}"
    program = f"""
import sys
import numba
before = set(sys.modules)  # Numba imports SciPy where it finds it
import fastgmm
new = {heavy} & (set(sys.modules) - before)
assert not new, new
for module in [module for name, module in sys.modules.items() if name.startswith('fastgmm.kernels.')]:
    for name, value in vars(module).items():
        assert not getattr(value, 'signatures', None), name
"""
    run(program)


FIT = """
import sys, numpy as np, fastgmm
X = np.concatenate([np.random.default_rng(0).normal(size=(9000, {d})), np.full((5, {d}), 5.0)])
for rows in (X[-300:], X):
    p = fastgmm.fit(rows, 3, random_state=0, max_iter=3, covariance_type='{covariance_type}').mixture
    p.predict(rows), p.responsibilities(rows)
hits = misses = 0
for module in [module for name, module in sys.modules.items() if name.startswith('fastgmm.kernels.')]:
    for value in vars(module).values():
        if hasattr(value, 'stats'):
            hits += sum(value.stats.cache_hits.values())
            misses += sum(value.stats.cache_misses.values())
print(hits, misses)
"""


def cache_files(directory):
    return sorted((path.name, path.stat().st_mtime_ns) for path in Path(directory).rglob("*.nb*"))


@pytest.mark.compiled
def test_a_second_process_adds_no_file_to_the_cache(tmp_path):
    program = FIT.format(d=2, covariance_type="full")
    run(program, NUMBA_CACHE_DIR=str(tmp_path))
    before = cache_files(tmp_path)
    run(program, NUMBA_CACHE_DIR=str(tmp_path))
    assert cache_files(tmp_path) == before


@pytest.mark.compiled
@pytest.mark.parametrize(("covariance_type", "n_features"), [("full", 2), ("full", 4), ("tied", 2)])
def test_a_second_process_compiles_nothing(covariance_type, n_features):
    program = FIT.format(d=n_features, covariance_type=covariance_type)
    run(program)  # with the cache of the suite, which has much of it already
    hits, misses = map(int, run(program).split())
    assert misses == 0 < hits


@pytest.fixture
def package_copy(tmp_path):
    shutil.copytree(ROOT, tmp_path / "fastgmm", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


SCORE = """
import sys
sys.path.insert(0, {path!r})
import fastgmm
assert fastgmm.__file__.startswith({path!r})
p = fastgmm.Mixture([1.0], [[0.0, 0.0]], [[[1.0, 0.0], [0.0, 1.0]]])
print(p.score([[0.0, 0.0]]))
"""


@pytest.mark.compiled
def test_editing_a_helper_changes_its_caller(package_copy):
    """Numba alone would go on running the old helper, which is inlined into a function of another file."""
    program = SCORE.format(path=str(package_copy))
    assert float(run(program)) == pytest.approx(-1.8378770664093453)
    helper = package_copy / "fastgmm" / "kernels" / "posterior.py"
    text = helper.read_text()
    assert text.count("out[b] = shift + 2.0 * maxima[b] + (") == 1
    helper.write_text(text.replace("out[b] = shift + 2.0 * maxima[b] + (", "out[b] = 1000.0 + ("))
    assert float(run(program)) == 1000.0


@pytest.mark.compiled
def test_without_a_writable_cache_it_still_works(package_copy):
    # Root may write anywhere, so the places for a cache are occupied by files instead of being read-only.
    (package_copy / "fastgmm" / "kernels" / "__pycache__").write_text("")
    (package_copy / "home").write_text("")
    home = str(package_copy / "home" / "below")
    output = run(
        SCORE.format(path=str(package_copy)),
        HOME=home,
        XDG_CACHE_HOME=home,
        NUMBA_CACHE_DIR="",
        PYTHONDONTWRITEBYTECODE="1",
    )
    assert float(output) == pytest.approx(-1.8378770664093453)
    assert not list(package_copy.rglob("*.nbi"))


@pytest.mark.compiled
def test_bounds_checking_catches_a_planted_overrun(tmp_path):
    """The run of the suite with NUMBA_BOUNDSCHECK=1 means something only if an overrun raises."""
    program = """
import numpy as np
from fastgmm.kernels.blocks import load_block
try:
    load_block(np.zeros((4, 2)), 0, 5, np.zeros(2), np.zeros((2, 256)))
except IndexError:
    print("caught")
"""
    assert run(program, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == "caught\n"


@pytest.mark.compiled
def test_drivers_are_parallel():
    """A raise or an early return inside a prange would have made it serial, with only a warning."""
    from fastgmm.kernels import kmeans, passes, plus_plus

    fastgmm.warmup()
    drivers = [
        passes.pass_parallel,
        passes.evaluate_parallel,
        plus_plus.potential_parallel,
        kmeans.lloyd_parallel,
    ]
    for driver in drivers:
        assert driver.targetoptions["parallel"] is True
        assert driver.signatures, driver.__name__
