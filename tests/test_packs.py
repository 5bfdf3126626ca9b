"""Machine code that a wheel brings along: what fits to the letter is used, and of all else nothing."""

import importlib.util
import json
import shutil
import zlib
from pathlib import Path

import pytest
from conftest import run

import fastgmm
from fastgmm._numba import stamps
from fastgmm._numba.stamps import LEVELS, level, levels

ROOT = Path(fastgmm.__file__).parent
BUILD = Path(__file__).parent.parent / "hatch_build.py"
if not BUILD.exists():
    pytest.skip("the build is not part of an installed package", allow_module_level=True)
pytest.importorskip("hatchling")
pytestmark = [
    pytest.mark.compiled,
    pytest.mark.skipif(level() not in LEVELS, reason="there are packs for x86-64-v3 and higher"),
]

SCORE = "fastgmm.Mixture([1.0], [[0.0, 0.0]], [[[1.0, 0.0], [0.0, 1.0]]]).score([[0.0, 0.0]])"
# Prints the score, how many functions came from a pack and from a cache, what was compiled, and what fell back.
CALL = f"""
import sys
sys.path.insert(0, {{path!r}})
import json
import fastgmm
from fastgmm._numba import compiling
from fastgmm._numba.cache import LOADED, PACKS
from fastgmm._numba.private import FELL_BACK
assert fastgmm.__file__.startswith({{path!r}})
compiled = []
with compiling.watched(lambda: compiled.append(1), lambda: None):
    score = {SCORE}
packed = sum(path.is_relative_to(PACKS) for path in LOADED)
print(json.dumps([score, packed, len(LOADED) - packed, len(compiled), FELL_BACK]))
"""


@pytest.fixture(scope="module")
def build():
    specification = importlib.util.spec_from_file_location("hatch_build", BUILD)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def packed(build, tmp_path_factory):
    """A copy of the package with a pack of one short path for this processor's level."""
    root = tmp_path_factory.mktemp("packed")
    shutil.copytree(ROOT, root / "fastgmm", ignore=shutil.ignore_patterns("__pycache__", "_packs"))
    build.make_packs(root, root / "fastgmm" / "_packs", [SCORE], most=1)
    assert [path.name for path in (root / "fastgmm" / "_packs").iterdir()] == [level()]
    return root


@pytest.fixture
def copy(packed, tmp_path):
    shutil.copytree(packed / "fastgmm", tmp_path / "fastgmm")
    return tmp_path


def call(root, **environment):
    environment.setdefault("NUMBA_CACHE_DIR", str(root / "cache"))
    score, *rest = json.loads(run(CALL.format(path=str(root)), **environment))
    assert score == pytest.approx(-1.8378770664093453)
    return rest


def files(root):
    return sorted((root / "fastgmm" / "_packs").rglob("*.nbc.z"), key=lambda path: path.stat().st_size)


def test_what_is_packed_is_not_compiled(copy):
    from_pack, from_cache, compiled, fell_back = call(copy)
    assert (from_pack, from_cache, compiled, fell_back) == (len(files(copy)), 0, 0, {})
    assert from_pack > 1
    assert not list((copy / "cache").rglob("*.nbc"))


def test_a_pack_needs_no_place_for_a_cache(copy):
    # Root may write anywhere, so a file stands where the directory would be made.
    for folder in [folder for folder in (copy / "fastgmm").rglob("*") if folder.is_dir()]:
        (folder / "__pycache__").write_text("")
    (copy / "home").write_text("")
    home = str(copy / "home" / "below")
    from_pack, _, compiled, _ = call(
        copy, HOME=home, XDG_CACHE_HOME=home, NUMBA_CACHE_DIR="", PYTHONDONTWRITEBYTECODE="1"
    )
    assert (from_pack, compiled) == (len(files(copy)), 0)


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


BROKEN = {
    "a flipped bit": flip,
    "a flipped bit of machine code": lambda content: zlib.compress(flip(zlib.decompress(content))),
    "cut short": lambda content: content[:-100],
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_compiled_instead(copy, broken):
    smallest = files(copy)[0]
    smallest.write_bytes(broken(smallest.read_bytes()))
    from_pack, from_cache, compiled, fell_back = call(copy)
    assert (from_pack, from_cache, compiled) == (len(files(copy)) - 1, 0, 1)
    assert "was compiled once more" in fell_back["a file of a pack that could not be read"]
    # What was compiled is kept as without a pack.
    assert call(copy)[:3] == [len(files(copy)) - 1, 1, 0]


def test_machine_code_under_the_name_of_other_code_is_never_run(copy):
    smallest, other = files(copy)[:2]
    shutil.copy(other, smallest)
    from_pack, _, compiled, fell_back = call(copy)
    assert (from_pack, compiled) == (len(files(copy)) - 1, 1)
    assert "it holds" in fell_back["a file of a pack that could not be read"]


# Whatever is not from the pack would be compiled first, which is not waited for.
FIRST = CALL.replace("lambda: compiled.append(1)", "lambda: (print('compiling', len(LOADED)), os._exit(0))")


def first(root, **environment):
    program = "import os\n" + FIRST.format(path=str(root))
    return run(program, NUMBA_CACHE_DIR=str(root / "cache"), PYTHONUNBUFFERED="1", **environment)


def test_edited_sources_and_named_processors_are_compiled(copy):
    assert first(copy, NUMBA_CPU_NAME="generic") == "compiling 0\n"
    # A level that was named, with its features, is what was built for.
    named = dict(zip(("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES"), LEVELS[level()], strict=True))
    assert call(copy, **named)[:3] == [len(files(copy)), 0, 0]
    source = copy / "fastgmm" / "kernels" / "sizes.py"
    source.write_text(source.read_text() + "\n# edited\n")
    assert first(copy) == "compiling 0\n"


def test_a_level_is_that_of_all_of_its_features():
    program = "from fastgmm._numba.stamps import level; print(level())"
    for known, (name, features) in LEVELS.items():
        assert run(program, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features) == f"{known}\n"
        assert run(program, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES=features.split(",")[0]) == "None\n"
    assert run(program, NUMBA_CPU_NAME="generic") == "None\n"
    assert run(program, NUMBA_CPU_FEATURES="") == "None\n"


@pytest.mark.parametrize(
    ("name", "lacks", "expected"),
    [
        ("znver4", "+none", ("x86-64-v4-halves", "x86-64-v4", "x86-64-v3")),
        ("znver5", "+none", ("x86-64-v4", "x86-64-v3", "x86-64-v4-halves")),
        ("znver4", "+avx512vl", ("x86-64-v3",)),
        ("znver2", "+avx2", ()),
    ],
)
def test_a_processor_has_the_level_first_that_it_is_fastest_with(monkeypatch, name, lacks, expected):
    features = f"{LEVELS['x86-64-v4'][1]},+vaes".replace(lacks, f"-{lacks[1:]}")
    monkeypatch.setattr(stamps, "machine", lambda: (name, features))
    monkeypatch.setattr(stamps.numba.config, "CPU_NAME", None)
    monkeypatch.setattr(stamps.numba.config, "CPU_FEATURES", None)
    levels.cache_clear()
    try:
        assert (levels(), level()) == (expected, next(iter(expected), None))
        assert stamps.does_halves() == (name == "znver4")
    finally:
        levels.cache_clear()


def hook_of(build, data):
    hook = build.Packs(str(BUILD.parent), {}, None, None, "", "wheel")
    hook.initialize("standard", data)
    return hook


def test_a_wheel_is_pure_unless_it_was_asked_for_packs(build, monkeypatch):
    made = []
    monkeypatch.setattr(build, "make_packs", lambda source, target: made.append(Path(target)))
    monkeypatch.delenv("FASTGMM_PACK", raising=False)
    data = {"force_include": {}}
    hook_of(build, data)
    assert data == {"force_include": {}}
    assert not made
    monkeypatch.setenv("FASTGMM_PACK", "1")
    hook = hook_of(build, data)
    assert data == {"force_include": {str(made[0]): "fastgmm/_packs"}, "pure_python": False, "infer_tag": True}
    hook.finalize("standard", data, "")
    assert not made[0].exists()
    monkeypatch.setenv("FASTGMM_PACK", "yes")
    with pytest.raises(ValueError, match=r"FASTGMM_PACK must be 1 for a wheel .*, got 'yes'"):
        hook_of(build, data)
