"""Machine code on disk: what cannot be read or written costs a compilation, nothing else."""

import hashlib
import shutil
from pathlib import Path

import pytest
from conftest import run

import fastgmm

pytestmark = pytest.mark.compiled

TINY = """
from fastgmm._numba.options import exact

@exact
def twice(x):
    return x + x

@exact
def element(values, i):
    return values[i]
"""
# Prints a result, what was found in the cache and what was not, and what fell back.
CALL = """
import tiny
from fastgmm._numba.private import FELL_BACK
print(tiny.twice({argument}))
print(*(sum(counts.values()) for counts in tiny.twice.stats[1:]))
print(*FELL_BACK.values())
"""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A module with compiled functions and the cache that its first call leaves."""
    root = tmp_path_factory.mktemp("good")
    (root / "tiny.py").write_text(TINY)
    assert call(root) == ("42.0", "0 1", "")
    assert call(root) == ("42.0", "1 0", "")
    return root


@pytest.fixture
def tiny(good, tmp_path):
    # The same place, because the name of a folder in the cache comes from the path of the source.
    shutil.copytree(good / "cache", tmp_path / "cache")
    return good, tmp_path / "cache"


def call(root, cache=None, argument="21.0", program=CALL, place=None, **environment):
    return tuple(
        run(
            f"import sys; sys.path.insert(0, {str(root)!r})\n" + program.format(argument=argument),
            NUMBA_CACHE_DIR=str(cache or root / "cache") if place is None else place,
            **environment,
        ).splitlines()
    )


def only_file(cache, pattern="*.nbc"):
    (path,) = cache.rglob(pattern)
    return path


def is_whole(path):
    content = path.read_bytes()
    return hashlib.sha256(content[32:]).digest() == content[:32] and len(content) > 1000


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


BROKEN = {
    "empty": lambda content: b"",
    "a few bytes": lambda content: content[:20],
    "cut short": lambda content: content[:-100],
    "garbage": lambda content: b"x" * 5000,
    "a flipped bit": flip,
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_replaced(tiny, broken):
    root, cache = tiny
    path = only_file(cache)
    path.write_bytes(broken(path.read_bytes()))
    answer, hits, note = call(root, cache)
    assert (answer, hits) == ("42.0", "0 1")
    assert "twice was compiled once more" in note
    assert only_file(cache) == path
    assert is_whole(path)


def test_a_missing_file_is_written_again(tiny):
    root, cache = tiny
    path = only_file(cache)
    path.unlink()
    assert call(root, cache) == ("42.0", "0 1", "")
    assert is_whole(path)


def test_a_directory_in_the_place_of_a_file(tiny):
    root, cache = tiny
    path = only_file(cache)
    path.unlink()
    path.mkdir()
    answer, hits, note = call(root, cache)
    assert (answer, hits) == ("42.0", "0 1")
    assert "IsADirectoryError" in note
    assert [path.name] == [name.name for name in path.parent.iterdir()]


def test_code_for_other_arguments_is_never_run(tiny):
    """Under the name of another signature it would read a whole number as a floating-point one."""
    root, cache = tiny
    path = only_file(cache)
    assert call(root, cache, argument="21")[:2] == ("42", "0 1")
    (other,) = set(cache.rglob("*.nbc")) - {path}
    shutil.copy(path, other)
    answer, hits, note = call(root, cache, argument="21")
    assert (answer, hits) == ("42", "0 1")
    assert "it holds" in note
    assert "(float64,)" in note
    assert call(root, cache, argument="21") == ("42", "1 0", "")


def test_a_limit_on_the_size_of_files(tiny):
    root, cache = tiny
    path = only_file(cache)
    path.unlink()
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
    answer, hits, note = call(root, cache, program=limit + CALL)
    assert (answer, hits) == ("42.0", "0 1")
    assert "File too large" in note
    assert not list(path.parent.iterdir()), "what was begun is left behind"


def test_a_place_that_goes_away_before_code_is_saved(tiny):
    root, cache = tiny
    path = only_file(cache)
    # Root may write anywhere, so a file takes the place of the directory.
    vanish = f"""
import shutil, tiny
tiny.twice(1.0)
shutil.rmtree({str(path.parent)!r})
open({str(path.parent)!r}, "w").close()
"""
    answer, hits, note = call(root, cache, argument="21", program=vanish + CALL)
    assert (answer, hits) == ("42", "1 1")
    assert "NotADirectoryError" in note or "FileExistsError" in note


def test_an_edit_replaces_the_files_of_the_function_it_changes(tiny, tmp_path):
    root, cache = tiny
    stale = only_file(cache)
    text = (root / "tiny.py").read_text()
    try:
        (root / "tiny.py").write_text(text.replace("x + x", "x + x + 1.0"))
        assert call(root, cache) == ("43.0", "0 1", "")
    finally:
        (root / "tiny.py").write_text(text)
    assert only_file(cache) != stale


def test_checked_code_is_not_mistaken_for_unchecked(tiny):
    """Of its own Numba would load what the first process left, and check nothing."""
    root, cache = tiny
    program = """
import numpy as np, tiny
try:
    tiny.element(np.zeros((4, 2))[0], 2)
    print("not caught")
except IndexError:
    print("caught")
"""
    assert call(root, cache, program=program) == ("not caught",)
    assert call(root, cache, program=program, NUMBA_BOUNDSCHECK="1") == ("caught",)


def test_a_process_that_compiles_gets_the_bits_of_one_that_loads(tmp_path):
    program = """
import numpy as np, fastgmm
X = np.random.default_rng(0).normal(size=(300, 2)) + [[4.0, 0.0]] * np.arange(300)[:, np.newaxis] // 100
start = fastgmm.Mixture([0.5, 0.5], [[0.0, 0.0], [8.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], "diag")
result = fastgmm.fit(X, 2, covariance_type="diag", init=start, max_iter=5, tol=0.0)
print(result.mixture.means.tobytes().hex(), result.mixture.covariances.tobytes().hex())
"""
    compiled, loaded = (run(program, NUMBA_CACHE_DIR=str(tmp_path)) for _ in range(2))
    assert compiled == loaded


def test_editing_a_helper_in_a_room_below_changes_its_caller(tmp_path):
    shutil.copytree(Path(fastgmm.__file__).parent, tmp_path / "fastgmm", ignore=shutil.ignore_patterns("__pycache__"))
    below = tmp_path / "fastgmm" / "kernels" / "below"
    below.mkdir(exist_ok=True)
    (below / "__init__.py").write_text("")
    helper = below / "planted.py"
    text = "from ..._numba.options import kernel\n\n@kernel\ndef value():\n    return 1.0\n"
    helper.write_text(text)
    (tmp_path / "fastgmm" / "kernels" / "caller.py").write_text(
        "from .._numba.options import exact\nfrom .below.planted import value\n\n"
        "@exact\ndef call():\n    return value()\n"
    )
    program = "from fastgmm.kernels.caller import call; print(call())"
    assert call(tmp_path, program=program) == ("1.0",)
    helper.write_text(text.replace("1.0", "2.0"))
    assert call(tmp_path, program=program) == ("2.0",)


def test_what_was_compiled_beside_the_sources_is_read_by_who_cannot_write_there(tmp_path):
    """As in a container: root compiles while the image is built, and somebody else runs it."""
    (tmp_path / "tiny.py").write_text(TINY)
    assert call(tmp_path, place="") == ("42.0", "0 1", "")
    only_file(tmp_path / "__pycache__")
    # Root may write anywhere, so another place comes first instead.
    assert call(tmp_path, cache=tmp_path / "elsewhere") == ("42.0", "1 0", "")
    assert not list((tmp_path / "elsewhere").rglob("*.nbc"))
