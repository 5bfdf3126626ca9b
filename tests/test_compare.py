"""The comparison study: what peers declare, answers before times, and failures that stay in their own line."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("sklearn")
ROOT = Path(__file__).parent.parent
if not (ROOT / "bench").is_dir():
    pytest.skip("the benchmarks are not part of an installed package", allow_module_level=True)

from bench import report  # noqa: E402
from bench.cases import Case  # noqa: E402
from bench.compare import judge, plot, study, table  # noqa: E402
from bench.compare.client import Failure, Missing, Worker  # noqa: E402
from bench.compare.grid import GRIDS, Grid  # noqa: E402
from bench.compare.peer import Parameters  # noqa: E402
from bench.compare.registry import MODULES, PEERS  # noqa: E402
from fastgmm import naive  # noqa: E402

STRUCTURES = ("full", "tied", "diag", "spherical")
TINY = Case(200, 2, 2)
# The judge with a fault, for scikit-learn takes long to import.
DOUBLE = """
import os, signal, time
import numpy as np
from bench.compare import judge
from bench.compare.peer import Parameters, Peer

calls = []

def versions():
    {versions}
    return {{"double": "1"}}

def rounds(X, start, n_rounds):
    calls.append(n_rounds)
    mixture = judge.reference(X, start, n_rounds)
    {fault}
    return mixture

def whole(X, n_components, covariance_type, seed):
    rows = np.random.default_rng(seed).choice(X, n_components, replace=False)
    weights = np.full(n_components, 1.0 / n_components)
    return rounds(X, Parameters(weights, rows, np.array([np.cov(X.T)] * n_components), "full"), 3)

PEER = Peer("{name}", "{name}", "pip install {name}", versions, whole, rounds)
"""


@pytest.fixture
def double(tmp_path, monkeypatch):
    """Make a peer whose workers find it."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, fault="pass", versions="pass"):
        (tmp_path / f"double_{name}.py").write_text(DOUBLE.format(name=name, fault=fault, versions=versions))
        return importlib.import_module(f"double_{name}").PEER

    return make


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(study, "SETTLE", 0.0)


def compare(*names, doubles=(), fits=(), required=()):
    chosen = {name: PEERS[name] for name in names} | {each.name: each for each in doubles}
    return study.compare(chosen, Grid((TINY,), fits, n_seeds=2), turns=2, n_threads=1, required=required)


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.PEER.name)
def test_what_a_peer_declares(module):
    peer = module.PEER
    assert peer.module == module.__name__
    assert set(peer.structures) <= set(STRUCTURES)
    assert peer.dtypes
    assert set(peer.dtypes) <= {"float64", "float32"}
    adapter = Path(module.__file__)
    for path in [adapter, *adapter.parent.glob(f"{adapter.stem}.[!p]*")]:
        assert sum(bool(line.strip()) for line in path.read_text().splitlines()) <= 40, path
    instructions = (ROOT / "bench" / "peers.md").read_text()
    assert f"| {peer.title} |" in instructions
    assert peer.install in instructions


def test_the_registry_imports_no_peer_but_fastgmm():
    program = """
import sys
import bench.compare.registry
print({'sklearn', 'cv2', 'jax', 'torch', 'pyspark', 'daal4py'} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


@pytest.mark.parametrize("structure", STRUCTURES)
def test_mixtures_and_matrices(structure):
    _, start = Case(10, 3, 2, structure).problem()
    mixture = Parameters(start.weights, start.means, start.covariances, structure)
    np.testing.assert_array_equal(mixture.matrices(), start.full_covariances())
    again = Parameters.of_matrices(mixture.weights, mixture.means, mixture.matrices(), structure)
    np.testing.assert_array_equal(again.covariances, mixture.covariances)


def test_the_judge_against_the_original():
    X, start = Case(60, 2, 2, separation=1.0).problem()
    judged = judge.reference(X, Parameters(start.weights, start.means, start.covariances, "full"), 2)
    expected = (start.weights, start.means, start.covariances)
    for _ in range(2):
        expected = naive.m_step(X, naive.e_step(X, *expected))
    assert judge.difference(judged, Parameters(*expected, "full")) < 1e-12
    likelihood = naive.log_likelihood(X, *expected) / len(X)
    assert judge.log_likelihood(X, judged) == pytest.approx(likelihood, rel=1e-12)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_judge_against_scikit_learn(structure):
    X, start = Case(200, 3, 2, structure, separation=1.0).problem()
    judged = judge.reference(X, Parameters(start.weights, start.means, start.covariances, structure), 3)
    assert judge.difference(judged, PEERS["scikit-learn"].rounds(X, start, 3)) < 1e-12
    fitted = start.to_sklearn()
    given = Parameters(start.weights, start.means, start.covariances, structure)
    assert judge.log_likelihood(X, given) == pytest.approx(fitted.score(X), rel=1e-12)


@pytest.mark.compiled
def test_a_small_study(tmp_path):
    results = json.loads(json.dumps(compare("fastgmm", "scikit-learn", fits=(TINY,))))
    assert {*results["peers"]["scikit-learn"]["versions"]} == {"scikit-learn"}
    own, other = results["rounds"][0]["entries"]
    assert own["multiple"] == [1.0, 1.0, 1.0]
    for entry in (own, other):
        assert entry["failure"] is None
        assert entry["log_likelihood_difference"] < 1e-10
        assert entry["parameter_difference"] < 1e-10
        assert len(entry["seconds_per_row_and_round"]) == 2
    for entry in results["fits"][0]["entries"]:
        assert len(entry["seconds"]) == len(entry["log_likelihoods"]) == 2
        assert min(entry["multiple"]) > 0.0
    assert table.summary(results).count(f"| {TINY.name} |") == 1 + 1
    assert table.details(results).count(f"| {TINY.name} |") == 2 + 2
    pytest.importorskip("matplotlib")
    plot.draw(results, tmp_path / "compare.png")
    assert (tmp_path / "compare.png").stat().st_size > 10_000


def test_failures_stay_in_their_own_line(double):
    doubles = (
        double("good"),
        double("wrong", "mixture = mixture._replace(means=mixture.means * (1.0 + 1e-3))"),
        double("nothing", "mixture = mixture._replace(means=mixture.means * float('nan'))"),
        double("shapeless", "mixture = mixture._replace(means=mixture.means[:1])"),
        double("raising", "raise RuntimeError('no\\nluck')"),
        double("crashing", "os.kill(os.getpid(), signal.SIGSEGV)"),
        # Among its times: before them the study asks for 1, 1, 1 and 3 rounds.
        double("late", "if len(calls) > 6: os._exit(3)"),
    )
    results = compare(doubles=doubles, fits=(TINY,))
    good, *bad = results["rounds"][0]["entries"]
    assert good["failure"] is None
    assert len(good["seconds_per_row_and_round"]) == 2
    reasons = {
        "wrong": "another answer: log-likelihood off by ",
        "nothing": "an answer that has no likelihood",
        "shapeless": "an answer of other shapes",
        "raising": "RuntimeError: no luck",
        "crashing": "killed by SIGSEGV",
        "late": "ended with exit code 3",
    }
    assert [entry["peer"] for entry in bad] == list(reasons)
    for entry in bad:
        assert entry["failure"].startswith(reasons[entry["peer"]]), entry
        assert ("seconds_per_row_and_round" in entry) == (entry["peer"] == "late")
    lines = table.measurements(results["rounds"], {name: name for name in results["peers"]}).splitlines()
    for name, reason in reasons.items():
        assert sum(f"| {name} |" in line and reason in line for line in lines) == 1
    failed = {entry["peer"] for entry in results["fits"][0]["entries"] if entry["failure"] is not None}
    assert failed == {"nothing", "shapeless", "raising", "crashing"}


def test_a_peer_that_hangs_is_given_up(double, tmp_path):
    hanging = double("hanging", versions="time.sleep(600.0)")
    with (
        Worker(hanging, 1, tmp_path) as worker,
        pytest.raises(Failure, match=r"no answer within 0\.5 s"),
    ):
        worker.ask("versions", patience=0.5)


def test_workers_get_their_threads_and_leave_nothing(double, tmp_path):
    told = double("told", versions="return {'told': os.environ['OMP_NUM_THREADS'], 'process': os.getpid()}")
    with Worker(told, 1, tmp_path) as worker:
        versions = worker.ask("versions")
    assert versions["told"] == "1"
    with pytest.raises(ProcessLookupError):
        os.kill(versions["process"], 0)


def test_a_missing_peer_is_skipped_or_asked_for(double, capfd):
    gone = double("gone", versions="import no_such_module")
    results = compare(doubles=(double("good"), gone))
    line = "gone: skipped, not installed (No module named 'no_such_module'): pip install gone\n"
    assert line in capfd.readouterr().err
    assert [entry["peer"] for entry in results["rounds"][0]["entries"]] == ["good"]
    reason = "not installed (No module named 'no_such_module')"
    assert f"Not compared: gone, {reason}: `pip install gone`." in table.provenance(results)
    with pytest.raises(
        Missing, match=r"gone is not installed \(No module named 'no_such_module'\): pip install gone"
    ):
        compare(doubles=(gone,), required=("gone",))


def test_a_peer_that_breaks_when_asked_for_its_version_is_not_called_missing(double, capfd):
    broken = double("broken", versions="os.kill(os.getpid(), signal.SIGSEGV)")
    compare(doubles=(double("good"), broken))
    assert "broken: skipped, not usable (killed by SIGSEGV): pip install broken\n" in capfd.readouterr().err


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_no_two_problems_of_a_table_have_one_name(grid):
    for cases in (grid.rounds, grid.fits):
        assert len({case.name for case in cases}) == len(cases)


def test_until_the_likelihood_is_reached():
    def entry(name, seconds, values, failure=None):
        return {"peer": name, "failure": failure, "seconds": seconds, "log_likelihoods": values}

    entries = [
        entry("fastgmm", [1.0, 2.0, 3.0], [-5.0, -5.0 - 0.9 * table.SAME, -6.0]),
        entry("never", [1.0, 1.0, 1.0], [-5.5, -5.7, -5.6]),
        entry("always", [4.0, 5.0, 6.0], [-5.0, -5.0, -5.0]),
        entry("failed", [1.0], [-1.0], "no answer within 30 s, it was said"),
    ]
    result = {"case": {"name": "case"}, "entries": entries}
    ends = table.outcomes(result)
    assert ends["fastgmm"] == {"lacks": pytest.approx(0.009), "reached": 2, "until_reached": 3.0, "multiple": 1.0}
    assert ends["never"] == {"lacks": pytest.approx(0.6), "reached": 0, "until_reached": None, "multiple": None}
    assert ends["always"]["multiple"] == pytest.approx(5.0 / 3.0)
    assert "failed" not in ends
    titles = {each["peer"]: each["peer"] for each in entries} | {"unable": "unable"}
    line = table.until_reached([result], titles).splitlines()[-1]
    assert line == "| case | 3 (2 of 3) | never (0 of 3) | 1.67 | no answer within 30 s |  |"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--grid", "none"], "Error: --grid 'none' is not one of 'small', 'full'"),
        (["--peer", "none"], "Error: --peer 'none' is not one of 'fastgmm', 'scikit-learn', 'onedal'"),
        (["--out", "none/compare.json"], "Error: --out none/compare.json: none is not a directory"),
        (
            ["--peer", "opencv"],
            "Error: --peer opencv is not installed (not here): pip install 'opencv-python",
        ),
    ],
)
def test_bad_input_is_one_line(arguments, message, tmp_path, monkeypatch):
    (tmp_path / "cv2.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    done = command("compare", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_the_page_shows_the_committed_comparison(tmp_path):
    results = json.loads((ROOT / "bench" / "compare.json").read_text())
    original, copy = ROOT / "docs" / "comparison.md", tmp_path / "comparison.md"
    copy.write_text(original.read_text())
    report.update_comparison(copy, results)
    assert copy.read_text() == original.read_text()
