"""The ladder: every rung right, its page made of its code and of a run, and bad input in one line."""

import json
import platform
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
ROOT = Path(__file__).parent.parent
if not (ROOT / "bench").is_dir():
    pytest.skip("the benchmarks are not part of an installed package", allow_module_level=True)

from bench import report  # noqa: E402
from bench.cases import Case  # noqa: E402
from bench.ladder import NAMES, climb, rungs, show  # noqa: E402

# One worker compiles the rungs, which are not cached: who edits one gets what is written.
pytestmark = pytest.mark.xdist_group("ladder")
LADDER = ROOT / "bench" / "ladder"
PAGE = ROOT / "docs" / "ladder.md"
RESULTS = ROOT / "bench" / "ladder.json"


@pytest.mark.compiled  # bits are cast by an intrinsic, which has no body in Python
@pytest.mark.parametrize("rung", rungs(), ids=NAMES)
@pytest.mark.parametrize("n_features", [1, 3, 6])
def test_every_rung_is_right(rung, n_features, monkeypatch):
    # Blocks are 256 rows, superblocks 2048: both end with a single row here.
    monkeypatch.setattr(climb, "VERIFIED_ROWS", 4097)
    assert climb.verify(rung, Case(5000, n_features, 3)) < 1e-12


@pytest.mark.compiled
def test_from_logarithms_on_no_density_underflows():
    far = np.array([[50.0], [0.0]])
    start = np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1))
    for rung in rungs(NAMES[5:]):
        log_likelihood = rung.em_round(far, *start)[3]
        assert log_likelihood == pytest.approx(-0.5 * 50.0**2 - np.log(2.0 * np.pi)), rung.name


@pytest.mark.compiled
def test_threads_change_no_bit():
    import numba

    X, start = Case(9000, 2, 3).problem()
    both = []
    before = numba.get_num_threads()
    for n_threads in (1, before):
        numba.set_num_threads(n_threads)
        both.append(rungs()[10].em_round(X, start.weights, start.means, start.covariances))
    for one, two in zip(*both, strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.compiled
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="counts instructions of x86")
def test_packed_instructions_appear_with_lanes():
    X, start = Case(300, 2, 2).problem()
    counts = {}
    for rung in rungs(("r06_fused", "r07_lanes", "r09_register_tiles")):
        rung.em_round(X, start.weights, start.means, start.covariances)
        counts[rung.name] = climb.instructions(rung)
    assert counts["r06_fused"]["packed"] < 0.2 * counts["r06_fused"]["scalar"]
    assert counts["r07_lanes"]["packed"] > counts["r07_lanes"]["scalar"]
    assert counts["r09_register_tiles"]["packed"] > counts["r07_lanes"]["packed"]


@pytest.mark.compiled
def test_climb_and_its_pictures(tmp_path):
    cases = (Case(400, 2, 2), Case(300, 3, 2))
    results = climb.climb(cases, (NAMES[0], NAMES[4], NAMES[6]), turns=2, seconds_a_turn=0.01)
    assert [problem["n_features"] for problem in results["problems"]] == [2, 3]
    first, last = results["problems"][0]["rungs"][::2]
    assert first["times_first"] == [1.0, 1.0, 1.0]
    assert first["times_before"] is None
    assert last["times_before"][0] > 0.0
    assert last["rows"] == 400
    rendered = show.table(results["problems"][0])
    assert [line.split("`")[1] for line in rendered.splitlines()[2:]] == [NAMES[0], NAMES[4], NAMES[6]]
    show.plot(results, tmp_path / "ladder.png")
    assert (tmp_path / "ladder.png").stat().st_size > 10_000


@pytest.mark.compiled
def test_a_climb_says_what_it_does_and_how_long_it_will_take(capsys):
    climb.climb((Case(400, 2, 2),), (NAMES[0], NAMES[4]), turns=2, seconds_a_turn=0.01)
    first, *verified, choosing, turn, last = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        r"2 rungs, 400 x 2, K = 2: each is compiled and verified, then timed in 2 turns; about \d+ seconds in all",
        first,
    )
    assert [line.split()[6:9] for line in verified] == [[NAMES[0], "is", "right"], [NAMES[4], "is", "right"]]
    assert choosing == "400 x 2, K = 2: choosing how many rows a turn of each rung does"
    assert re.fullmatch(r"400 x 2, K = 2: turn 1 of 2, about \d+ seconds to go", turn)
    assert re.fullmatch(r"400 x 2, K = 2: turn 2 of 2, about \d+ seconds to go", last)


@pytest.mark.compiled
def test_rows_are_enough_for_covariances_that_are_positive_definite():
    """With five rows a component the last rung refused to go on."""
    X, start = Case(2000, 16, 16).problem()
    parameters = start.weights, start.means, start.covariances
    assert climb.enough_rows(rungs()[11], X, parameters, 1e-9) >= 512


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_a_climb_that_is_stopped_leaves_nothing(tmp_path):
    # The handler is set because a job in the background inherits that the signal is ignored.
    program = (
        "import runpy, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        f"sys.argv = ['bench', 'ladder', '--quick', '--out', {str(tmp_path / 'x.json')!r}]\n"
        "runpy.run_module('bench', run_name='__main__')\n"
    )
    before = set((ROOT / "bench").iterdir())
    climbing = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stderr=subprocess.PIPE, text=True)
    assert "about" in climbing.stderr.readline()
    climbing.send_signal(signal.SIGINT)
    _, error = climbing.communicate(timeout=100)
    assert climbing.returncode == 130
    assert error.endswith("Stopped; nothing is written\n")
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []
    assert set((ROOT / "bench").iterdir()) <= before | {ROOT / "bench" / "__pycache__"}


def test_a_wrong_rung_is_not_timed(monkeypatch):
    module = rungs()[3].module
    right = module.em_round

    def wrong(*arguments):
        weights, means, covariances, log_likelihood = right(*arguments)
        return weights, means * (1.0 + 1e-8), covariances, log_likelihood

    monkeypatch.setattr(module, "em_round", wrong)
    with pytest.raises(RuntimeError, match=r"r03_vectorised is off by .*e-0[89] at 400 x 2, K = 2, more than 1e-09"):
        climb.climb((Case(400, 2, 2),), NAMES[:4], turns=1, seconds_a_turn=0.01)


@pytest.mark.parametrize("name", NAMES)
def test_a_rung_is_read_in_one_sitting(name):
    text = (LADDER / f"{name}.py").read_text()
    assert len(text.splitlines()) <= 130
    number = int(name[1:3])
    heads = (f'"""Rung {number}: ', "What changed: ", "Why it is faster: ", "What it costs: ", "What to look at: ")
    first, blank, *others, end = text.splitlines()[:7]
    for line, head in zip((first, *others), heads, strict=True):
        assert line.startswith(head)
    assert (blank, end) == ("", '"""')
    assert ("fastgmm" in text.split('"""', 2)[2]) == (name == NAMES[-1])


def test_the_page_quotes_the_rungs():
    sections = PAGE.read_text().split("\n## Rung ")[1:]
    assert len(sections) == len(NAMES)
    for name, section in zip(NAMES, sections, strict=True):
        source = (LADDER / f"{name}.py").read_text()
        quotes = [part.split("```")[0] for part in section.split("```python\n")[1:]]
        assert quotes
        for quote in quotes:
            assert quote in source, f"{name} has no\n{quote}"
        for promised in ("*Machine code:*", "*Exercise.*", f"<!-- {name}:begin -->"):
            assert promised in section


def test_the_page_shows_the_committed_climb(tmp_path):
    copy = tmp_path / PAGE.name
    copy.write_text(PAGE.read_text())
    report.update_ladder(copy, json.loads(RESULTS.read_text()))
    assert copy.read_text() == PAGE.read_text()


def test_the_committed_climb_meets_what_is_claimed():
    for problem in json.loads(RESULTS.read_text())["problems"]:
        assert [rung["name"] for rung in problem["rungs"]] == list(NAMES)
        assert all(rung["error"] < 1e-9 for rung in problem["rungs"])


@pytest.mark.compiled
def test_the_notebook_runs():
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "ladder.py")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("right to") == len(NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rung", "r12"], "Error: --rung 'r12' is not one of 'r00_blog_loop', 'r01_pure_python'"),
        (["--n", "10", "--k", "4"], "Error: --n 10 is too few for --k 4: at least 5 rows a component are wanted"),
        (["--k", "90000"], "Error: --n 100000 is too few for --k 90000: at least 5 rows a component are wanted"),
        (["--out", "nowhere/ladder.json"], "Error: --out nowhere/ladder.json: nowhere is not a directory"),
    ],
)
def test_bad_input_is_one_line(arguments, message):
    done = subprocess.run(
        [sys.executable, "-m", "bench", "ladder", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1
