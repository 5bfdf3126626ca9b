"""The benchmarks: that they verify before they time, and that the documents say what the JSON says."""

import contextlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("typer")
ROOT = Path(__file__).parent.parent
if not (ROOT / "bench").is_dir():
    pytest.skip("the benchmarks are not part of an installed package", allow_module_level=True)

from bench import beginnings, cases, labels, limit, pruning, report, rounds, run, serial, sweep  # noqa: E402

README = ROOT / "README.md"
SMALL = cases.Case(300, 2, 2)


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "bench", *arguments], cwd=ROOT, capture_output=True, text=True)


def few_rows(monkeypatch):
    fewer = tuple(
        cases.Implementation(i.name, i.run, (1, 2))
        for i in cases.IMPLEMENTATIONS
        if i.name != "oneDAL" or cases.onedal_applies(SMALL)
    )
    monkeypatch.setattr(run, "IMPLEMENTATIONS", fewer)
    return fewer


def test_all_implementations_agree(monkeypatch):
    few_rows(monkeypatch)
    errors = run.verify(SMALL)
    assert len(errors) == len(run.IMPLEMENTATIONS) - 1
    assert all(error < 1e-10 for error in errors.values())


def test_a_wrong_answer_is_not_timed(monkeypatch):
    def wrong(X, start, n_rounds):
        parameters = cases.IMPLEMENTATIONS[1].run(X, start, n_rounds)
        return parameters._replace(means=parameters.means * (1.0 + 1e-6))

    implementations = (cases.IMPLEMENTATIONS[0], cases.Implementation("wrong", wrong, (1, 2)))
    monkeypatch.setattr(run, "IMPLEMENTATIONS", implementations)
    with pytest.raises(RuntimeError, match=r"fastgmm and wrong differ by 1\.0e-06 after 3 rounds"):
        run.verify(SMALL)


@pytest.mark.compiled
def test_times_and_table(monkeypatch):
    fewer = few_rows(monkeypatch)
    timed = run.time_in_turn(SMALL, 2, {})
    assert [entry["name"] for entry in timed] == [each.name for each in fewer]
    assert timed[0]["multiple"] == [1.0, 1.0, 1.0]
    case = {"name": SMALL.name, **vars(SMALL)}
    environment = dict.fromkeys(["processor", "threads", "threading_layer", "python", "numba", "numpy"], "x")
    environment |= {"scikit-learn": "x", "oneDAL": "x", "features": [], "date": "x", "command": "x"}
    results = {
        "results": [{"case": case, "implementations": timed}],
        "memory": {SMALL.name: 1.5},
        "scaling": {},
        "turns": 2,
        "environment": environment,
    }
    rendered = report.table(results)
    assert len(timed[0]["share_of_limit"]) == 3
    assert min(timed[0]["machine"].values()) > 0.0
    assert timed[0]["tile"].split(",")[0] in {f"{n} x {m} {kind}" for kind, n, m in limit.TILES}
    assert rendered.count(f"| {SMALL.name} |") == 1
    monkeypatch.setattr(report, "SHORT", (SMALL.name,))
    assert report.short_table(results).count(f"| {SMALL.name} |") == 1


@pytest.mark.compiled  # the yardstick is loops, too
def test_scaling_is_drawn(tmp_path, monkeypatch):
    few_rows(monkeypatch)
    monkeypatch.setattr(run, "SCALING", {"n_samples": [SMALL], "n_features": [SMALL], "n_components": [SMALL]})
    scaling = run.measure_scaling()
    assert {*scaling["n_samples"][0]} == {"at", "limit", "fastgmm", "scikit-learn"}
    pytest.importorskip("matplotlib")
    for points in scaling.values():
        # So few rows may take no measurable time, or less.
        points[0] |= {"fastgmm": 1e-5, "scikit-learn": 1e-3}
    report.plot_scaling(scaling, tmp_path / "scaling.png")
    assert (tmp_path / "scaling.png").stat().st_size > 10_000


def test_readme_has_a_short_table_of_the_committed_run():
    results = json.loads((ROOT / "bench" / "results.json").read_text())
    lines = report.short_table(results).splitlines()
    assert [line.split(" | ")[0] for line in lines[2:-2]] == [f"| {name}" for name in report.SHORT]
    whole = {line.split(" | ")[0]: line for line in report.table(results).splitlines()}
    for line in lines[2:-2]:
        name, milliseconds, *others = line.removesuffix(" |").split(" | ")
        assert [milliseconds, *others] == [whole[name].split(" | ")[i] for i in (1, 3, 4)]


def test_readme_and_page_show_the_committed_run(tmp_path):
    results = json.loads((ROOT / "bench" / "results.json").read_text())
    speed = ROOT / "docs" / "speed.md"
    copies = tmp_path / "README.md", tmp_path / "speed.md"
    for copy, original in zip(copies, (README, speed), strict=True):
        copy.write_text(original.read_text())
    report.update(*copies, results)
    assert [copy.read_text() for copy in copies] == [README.read_text(), speed.read_text()]


@pytest.mark.compiled
@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_serial_share(covariance_type):
    case = cases.Case(40_000, 4, 3, covariance_type)
    measured = serial.measure(case)
    assert 0.0 < measured.share < 0.5
    assert measured.n_superblocks == 40
    assert measured.left == 40 / 64
    results = {"results": [{"case": {"name": case.name}, "serial": {**measured._asdict(), "share": 1 / 63}}]}
    assert serial.table(results).endswith(f"| {case.name} | 1.59 % | 0.50 | 40 | 0.62 |")


@pytest.mark.compiled
def test_pytest_benchmark_runs_in_the_environment_of_the_tests(tmp_path):
    """With xdist installed and warnings as errors; it times, and does not only run."""
    arguments = ["-p", "no:cacheprovider", "bench", "-k", "naive", f"--benchmark-json={tmp_path / 'timed.json'}"]
    arguments += [f"--benchmark-storage={tmp_path}", "--benchmark-compare"]  # there is nothing to compare with
    # Not what the workers of xdist leave to the processes they start.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    run = [sys.executable, "-m", "pytest", *arguments]
    done = subprocess.run(run, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    timed = json.loads((tmp_path / "timed.json").read_text())["benchmarks"]
    assert all(each["stats"]["min"] > 0.0 for each in timed)
    assert len({each["group"] for each in timed}) == 1
    assert [each["name"] for each in timed] == ["test_naive[naive]", "test_naive[fastgmm]"]


def test_benchmarks_are_not_timed_in_parallel():
    run = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "2", "bench"]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 4
    assert "benchmarks are timed one at a time: leave out -n" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--case", "none"], "Error: --case 'none' is not one of '1e+06 x 1, K = 3'"),
        (["report", "none.json"], "Error: none.json is not the JSON of a run"),
        (["report", "README.md"], "Error: README.md is not the JSON of a run"),
    ],
)
def test_bad_input_is_one_line(arguments, message):
    done = command(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


def test_slow_fits_take_an_eighth_of_the_passes_and_reach_the_limit():
    """What ``docs/speed.md`` says is what was measured, and that is what was promised."""
    results = json.loads(rounds.OUT.read_text())
    assert rounds.text_of(results) in rounds.SPEED.read_text()
    assert list(results["problems"]) == list(rounds.PROBLEMS)
    ratios = [each["passes_near"] / each["passes"] for each in results["problems"].values()]
    assert sorted(ratios)[5] <= 1 / 8
    assert max(ratios) <= 1.1
    assert all(each["higher"] > -1e-9 for each in results["problems"].values())


@pytest.mark.compiled
def test_a_slow_fit_is_measured_and_drawn(tmp_path):
    problem = rounds.PROBLEMS["galaxies, K = 4"]
    measured = rounds.measure(problem)
    assert measured["passes_near"] < measured["passes"]
    rounds.draw(dict.fromkeys(rounds.PROBLEMS, measured), tmp_path / "rounds.png")
    assert (tmp_path / "rounds.png").stat().st_size > 10_000
    assert rounds.table({"galaxies": measured}).count("\n") == 3


def test_the_table_of_pruned_rounds_is_what_was_measured():
    measured = json.loads(pruning.OUT.read_text())["cases"]
    assert set(measured) <= set(pruning.CASES)
    assert pruning.table(measured) in pruning.SPEED.read_text()


@pytest.mark.compiled
def test_labels_are_verified_before_they_are_timed(monkeypatch):
    measured = json.loads(labels.OUT.read_text())["cases"]
    assert set(measured) <= set(labels.CASES)
    assert labels.table(measured) in labels.SPEED.read_text()
    monkeypatch.setitem(labels.CASES, "small", labels.Case(2000, 4, 8, 6.0, False))
    found = labels.measure("small")
    assert labels.table({"small": found}).count("\n") == 2
    monkeypatch.setattr(labels.np, "array_equal", lambda one, other: False)
    with pytest.raises(SystemExit, match="small: labels differ in 0 rows"):
        labels.measure("small")


@pytest.mark.compiled
def test_starts_are_verified_before_they_are_timed(monkeypatch):
    measured = json.loads(beginnings.OUT.read_text())["cases"]
    assert set(measured) <= set(beginnings.CASES)
    assert beginnings.table(measured) in beginnings.SPEED.read_text()
    monkeypatch.setattr(beginnings, "STRUCTURES", ("full",))
    monkeypatch.setattr(beginnings, "TURN_SECONDS", 0.0)
    monkeypatch.setitem(beginnings.CASES, "small", beginnings.Case(300, 2, 2))
    found = beginnings.measure("small")
    assert beginnings.table({"small": found}).count("\n") == 2
    monkeypatch.setattr(beginnings.np, "isclose", lambda one, other, rtol: False)
    with pytest.raises(SystemExit, match="full: one round gives"):
        beginnings.measure("small")


@pytest.mark.compiled
def test_pruned_rounds_are_verified_before_they_are_timed(monkeypatch):
    case = pruning.Case(5000, 8, 128, "diag", 6.0)
    monkeypatch.setitem(pruning.CASES, "small", case)
    found = pruning.measure("small")
    assert found["difference"] <= 1e-12
    assert found["counted"] <= found["evaluated"] < 0.5
    assert pruning.table({"small": found}).count("\n") == 2
    monkeypatch.setattr(pruning, "take_trace", lambda state: np.random.default_rng().random(pruning.N_DENSE))
    with pytest.raises(SystemExit, match="small: log-likelihoods differ by"):
        pruning.measure("small")


def test_the_table_of_sweeps_is_what_was_measured():
    measured = json.loads(sweep.OUT.read_text())["measured"]
    assert sweep.table(measured["sweeps"]) in sweep.STRUCTURES.read_text()


@pytest.mark.compiled
def test_sweeps_are_verified_before_they_are_timed(monkeypatch):
    pytest.importorskip("sklearn")
    monkeypatch.setattr(sweep, "MODELS", ("VVV", "EEE"))
    monkeypatch.setattr(sweep, "SCIKIT_LEARN", {"full": "VVV", "tied": "EEE"})
    X = sweep.problem(500)

    @contextlib.contextmanager
    def other_R(X):
        """Ours, which takes the place of an R that need not be installed."""
        yield lambda labels: sweep.here(X, labels, sweep.MODELS)

    monkeypatch.setattr(sweep, "mclust", other_R)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of fits that have not converged
        found = sweep.measure(X, (1, 2), turns=2)
        assert sweep.table(found).count("\n") == 1 + 3
        assert len(found["2"]["mclust"]) == 2
        monkeypatch.setattr(sweep, "scikit_learn", lambda X, labels: (1.0, {"VVV": -1.0}))
        with pytest.raises(SystemExit, match="K = 2, VVV: scikit-learn's log-likelihood differs by"):
            sweep.measure(X, (2,), turns=1)


@pytest.mark.compiled
def test_sweeps_of_mclust_are_ours(monkeypatch):
    try:
        sweep.versions()
    except SystemExit:
        pytest.skip("mclust is not installed")
    X = sweep.problem(500)
    labels = sweep.partition(X, 2)
    with sweep.mclust(X) as in_R:
        theirs = in_R(labels)[1]
    assert set(theirs) == set(sweep.MODELS)
    few = ("VVV", "VVI")
    sweep.verify(2, sweep.here(X, labels, few)[1], {name: theirs[name] for name in few}, "mclust")


def test_without_mclust_sweeps_are_skipped_in_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit) as skipped:
        sweep.main([])
    assert skipped.value.code == 0
    said = capsys.readouterr().err
    assert said == "Skipped, because mclust is not installed (apt-get install r-cran-mclust): no Rscript\n"
    assert sweep.main(["many"]) == sweep.main(["1", "10"]) == sweep.main(["1", "0"]) == 2


def test_some_sweeps_join_those_of_as_many_rows_and_the_same_versions(monkeypatch):
    measured = json.loads(sweep.OUT.read_text())["measured"]
    n_samples, known, before = measured["n_samples"], measured["versions"], measured["sweeps"]
    again = {"3": {**before["3"], "mclust": [9.0] * len(before["3"]["mclust"])}}
    kept = {}
    monkeypatch.setattr(sweep, "versions", lambda: known)
    monkeypatch.setattr(sweep, "measure", lambda X, numbers, turns: {str(k): again[str(k)] for k in numbers})
    monkeypatch.setattr(sweep.report, "keep", lambda out, page, key, found, *texts: kept.update(found))
    assert sweep.main([str(n_samples), "3"]) == 0
    assert kept["sweeps"] == before | again
    assert list(kept["sweeps"]) == list(before)
    assert sweep.main(["100", "3"]) == 0
    assert kept["sweeps"] == again
    monkeypatch.setattr(sweep, "versions", lambda: {**known, "R": "0"})
    assert sweep.main([str(n_samples), "3"]) == 0
    assert kept["sweeps"] == again
