"""Rules of the code base that a reader relies on: who imports whom, what an import costs, how caching works."""

import ast
import shutil
import sys
from pathlib import Path

import pytest
from conftest import run

import fastgmm
from fastgmm._numba.stamps import ROOMS
from fastgmm.kernels.launch import in_parallel
from fastgmm.model.structures import STRUCTURES

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
def test_only_the_cellar_and_threads_import_numba(path):
    names = {name for name in imports_of(path) if name.split(".")[0] in {"numba", "llvmlite"}}
    assert not names or path.startswith("_numba/") or path == "rows/launch/threads.py"
    # What is not documented is looked up by `_numba.private.find`.
    assert names <= {"numba", "numba.extending", "llvmlite", "llvmlite.binding"}


@pytest.mark.parametrize("path", [path for path in MODULES if path.split("/")[0] not in ROOMS])
def test_compiled_code_lies_in_the_rooms_that_the_stamp_of_the_cache_covers(path):
    options = {name for name in imports_of(path) if name.startswith("._numba.options")}
    assert options <= {"._numba.options", "._numba.options.JIT_ENABLED"}


# From the street to the cellar; a module imports from its own room and from those behind it in this list.
STREET = [
    ("__init__", "__main__"),
    ("shell",),
    ("_sklearn",),
    ("api", "by_hand", "many", "mixture", "primitives", "results", "selection", "warm_up"),
    ("pictures", "summary"),
    ("em",),
    ("rows",),
    ("model",),
    ("kernels",),
    ("_numba",),
    ("_checks", "_files", "_version", "data", "naive"),
]
LEVEL = {name: number for number, room in enumerate(STREET) for name in room}
# The rooms inside the kernels, from the passes down to what they are made of.
INSIDE = [
    ("tasks", "launch"),
    ("passes", "univariate", "pruning"),
    ("densities", "moments", "k_means", "keys", "agglomeration"),
    ("blocks",),
    ("primitives",),
    ("sizes", "slots", "work"),
]
INSIDE_LEVEL = {name: number for number, room in enumerate(INSIDE) for name in room}


def modules_of(path, depth):
    """Names at this depth of the modules of the package that a file imports, its own package apart."""
    names = [name[1:].split(".") for name in imports_of(path) if name.startswith(".") and name != "."]
    return {name[depth] for name in names if len(name) > depth}


@pytest.mark.parametrize("path", MODULES)
def test_nobody_imports_from_a_room_above(path):
    own = LEVEL[path.split("/")[0].removesuffix(".py")]
    inside = {name for name in modules_of(path, 0) if name in LEVEL}
    assert all(LEVEL[name] >= own for name in inside), inside


@pytest.mark.parametrize("path", [path for path in MODULES if path.startswith("kernels/") and "/__" not in path])
def test_kernels_are_made_of_those_below_them(path):
    own = INSIDE_LEVEL[path.split("/")[1].removesuffix(".py")]
    names = [name[1:].split(".") for name in imports_of(path) if name.startswith(".kernels.")]
    inside = {name[1] for name in names if len(name) > 1}
    # A density knows no moments, but moments need to know how parameters are held, for their units.
    assert all(INSIDE_LEVEL[name] >= own for name in inside), inside
    assert "moments" not in inside or not path.startswith("kernels/densities/")


@pytest.mark.parametrize("path", MODULES)
def test_only_the_table_compares_structures_by_name(path):
    if path == "model/structures.py" or path.startswith("kernels/"):
        return
    names = set(STRUCTURES)
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Compare):
            constants = [each for each in ast.walk(node) if isinstance(each, ast.Constant)]
            assert not names & {each.value for each in constants if isinstance(each.value, str)}, ast.unparse(node)


def test_a_folder_has_a_dozen_modules_at_most():
    folders = {}
    for path in MODULES:
        folders.setdefault(Path(path).parent, []).append(path)
    assert {str(folder): len(paths) for folder, paths in folders.items() if len(paths) > 12} == {}


@pytest.mark.parametrize("path", MODULES)
def test_only_optional_dependencies_and_pictures_are_imported_late(path):
    """An import inside a function would hide a circle. What few fits need is the other exception, for its time."""
    tree = ast.parse((ROOT / path).read_text())
    late = [
        node
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    few = "pictures", "pruning.run", "pruning.guess", "pruning.labels"
    names = {alias.name for node in late for alias in node.names if node.module not in few}
    assert names <= ({"figures", "input", "report", "stages"} if path.startswith("shell/") else set()), names


def test_there_is_no_import_circle():
    names = {path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in MODULES}
    imports = {
        name: {other[1:] for other in imports_of(path) if other[1:] in names and other[1:] != name}
        for name, path in names.items()
        if name != "__init__"
    }
    while imports:
        ready = [name for name, others in imports.items() if not others & imports.keys()]
        assert ready, f"circle among {sorted(imports)}"
        for name in ready:
            del imports[name]


def test_data_and_the_original_import_numpy_only():
    for path in ["naive.py", *(path for path in MODULES if path.startswith("data/"))]:
        inside = {name for name in imports_of(path) if name.startswith(".")}
        assert all(name.startswith(".data") for name in inside), inside
        assert not {name.split(".")[0] for name in imports_of(path)} - {"numpy", *sys.stdlib_module_names, ""}


@pytest.mark.parametrize("path", [path for path in MODULES if path.startswith("pictures/")])
def test_pictures_draw_plain_arrays(path):
    """Nor do they know, not even by type, what a user holds."""
    assert all(name.startswith(".pictures") for name in imports_of(path) if name.startswith("."))


@pytest.mark.parametrize("path", MODULES)
def test_files_are_read_in_one_sitting(path):
    assert len((ROOT / path).read_text().splitlines()) <= 200


def test_import_is_light():
    """Importing the package imports no optional dependency and compiles nothing."""
    heavy = "{'matplotlib', 'sklearn', 'scipy', 'pandas', 'polars', 'pyarrow', 'typer', 'rich'}"
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


def test_the_package_shows_what_users_use():
    assert dir(fastgmm) == sorted([*fastgmm.__all__, "__version__"])
    assert all(hasattr(fastgmm, name) for name in dir(fastgmm))


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


# What was compiled for the constant in place of an argument, beside what was compiled at all.
CONSTANTS = """
import sys
functions = {id(value): value for name, module in list(sys.modules.items()) if name.startswith('fastgmm.')
             for value in vars(module).values() if hasattr(value, 'signatures')}
compiled = [(each.__name__, str(of)) for each in functions.values() for of in each.signatures]
print(len(compiled) > 50, *[name for name, of in compiled if 'Literal' in of])
"""


def copy_package(place):
    """Copy the package without what was compiled beside its sources, which would be loaded from there."""
    shutil.copytree(ROOT, place / "fastgmm", ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture(scope="module")
def first_fit(tmp_path_factory):
    """A program that fits, a cache that was empty before it ran, and what was compiled for constants."""
    cache = tmp_path_factory.mktemp("cache")
    place = copy_package(tmp_path_factory.mktemp("copy"))
    program = f"import sys\nsys.path.insert(0, {str(place)!r})\n" + FIT.format(d=2, covariance_type="full")
    return program, cache, run(program + CONSTANTS, NUMBA_CACHE_DIR=str(cache))


@pytest.mark.compiled
def test_a_second_process_adds_no_file_to_the_cache(first_fit):
    program, cache, _ = first_fit
    before = cache_files(cache)
    run(program, NUMBA_CACHE_DIR=str(cache))
    assert before
    assert cache_files(cache) == before


@pytest.mark.compiled
def test_nothing_is_compiled_for_a_constant(first_fit):
    """Numba compiles a function once more for each constant of Python's that it is called with."""
    assert first_fit[2].splitlines()[-1] == "True"


@pytest.mark.compiled
@pytest.mark.parametrize(("covariance_type", "n_features"), [("full", 2), ("full", 4), ("tied", 2)])
def test_a_second_process_compiles_nothing(covariance_type, n_features):
    program = FIT.format(d=n_features, covariance_type=covariance_type)
    run(program)  # with the cache of the suite, which has much of it already
    hits, misses = map(int, run(program).split())
    assert misses == 0 < hits


@pytest.fixture
def package_copy(tmp_path):
    return copy_package(tmp_path)


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
    helper = package_copy / "fastgmm" / "kernels" / "blocks" / "outputs.py"
    text = helper.read_text()
    assert text.count("out[b] = shift + 2.0 * maxima[b] + math.log") == 1
    helper.write_text(text.replace("out[b] = shift + 2.0 * maxima[b] + math.log", "out[b] = 1000.0 + math.log"))
    assert float(run(program)) == 1000.0


@pytest.mark.compiled
def test_without_a_writable_cache_it_still_works(package_copy):
    # Root may write anywhere, so the places for a cache are occupied by files instead of being read-only.
    for folder in (
        path
        for room in ROOMS
        for path in (package_copy / "fastgmm" / room, *(package_copy / "fastgmm" / room).rglob("*"))
    ):
        if folder.is_dir():
            (folder / "__pycache__").write_text("")
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
    assert not list(package_copy.rglob("*.nbc"))


@pytest.mark.compiled
def test_bounds_checking_catches_a_planted_overrun(tmp_path):
    """The run of the suite with NUMBA_BOUNDSCHECK=1 means something only if an overrun raises."""
    program = """
import numpy as np
from fastgmm.kernels.blocks.loading import load_block
try:
    load_block(np.zeros((4, 2)), 0, 5, np.ones(2), np.zeros(2), np.zeros((2, 256)))
except IndexError:
    print("caught")
"""
    assert run(program, NUMBA_BOUNDSCHECK="1", NUMBA_CACHE_DIR=str(tmp_path)) == "caught\n"


WARM = """
import sys, numpy as np, fastgmm
def compiled_or_loaded():
    modules = [module for name, module in sys.modules.items() if name.startswith('fastgmm.')]
    stats = [value.stats for module in modules for value in vars(module).values() if hasattr(value, 'stats')]
    return sum(sum(each.cache_misses.values()) + sum(each.cache_hits.values()) for each in stats)
fastgmm.warmup({arguments})
before = compiled_or_loaded()
X = np.random.default_rng(1).normal(size=(50_000, 2)).astype({dtype!r})
for rows in (X, X[:200]):
    fastgmm.fit(rows, 3, covariance_type={covariance_type!r}).mixture.predict(rows)
print(before > 0, compiled_or_loaded() - before)
"""


@pytest.mark.compiled
@pytest.mark.parametrize(
    ("arguments", "covariance_type", "dtype"),
    [("", "full", "float64"), ("'diag'", "diag", "float64"), ("['full', 'tied'], [np.float32]", "tied", "float32")],
)
def test_after_the_warmup_nothing_is_compiled_or_loaded(arguments, covariance_type, dtype):
    assert run(WARM.format(arguments=arguments, covariance_type=covariance_type, dtype=dtype)) == "True 0\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"structures": "round"}, "structures must be one of 'full', .*, or of mclust's VVV, .*, got 'round'"),
        ({"structures": ()}, "structures must have at least one value, got none"),
        ({"structures": ["full", "full"]}, "structures must not have a value twice, got 'full' twice"),
        ({"structures": 3}, "structures must be one of .*, got 3"),
        ({"dtypes": int}, "dtypes must be float32 or float64, got <class 'int'>"),
        ({"dtypes": None}, "dtypes must be float32 or float64, got None"),
        ({"dtypes": ["float64", "round"]}, "dtypes must be float32 or float64, got 'round'"),
    ],
)
def test_a_warmup_of_what_there_is_not(arguments, message):
    with pytest.raises(ValueError, match=message):
        fastgmm.warmup(**arguments)


@pytest.mark.compiled
def test_the_driver_is_parallel():
    """A raise or an early return inside a prange would have made it serial, with only a warning."""
    fastgmm.warmup()
    assert in_parallel.targetoptions["parallel"] is True
    assert in_parallel.signatures
