"""What a long fit tells while it runs."""

import io
import re

import numba
import numpy as np
import pytest
from conftest import make_problem

import fastgmm
from fastgmm.em import fitting, progress
from fastgmm.em.outcome import Interrupted
from fastgmm.em.progress import Progress
from fastgmm.rows.source import Underway


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_each_stage_is_a_line_where_nobody_watches(capsys):
    X, _ = make_problem(60, 2, 2)
    silent = fastgmm.fit(X, 2, random_state=0, n_init=2)
    fitted = fastgmm.fit(X, 2, random_state=0, n_init=2, progress=True)
    out, error = capsys.readouterr()
    assert out == ""
    assert "\r" not in error
    # Rounds that nobody watches are compiled apart from these.
    lines = [line for line in error.splitlines() if not line.startswith("compiling")]
    assert [line.split(":")[0] for line in lines] == ["variances", *["k-means++", "k-means", "EM"] * 2]
    assert all(" pass" in line and line.endswith(" rows/s") for line in lines)
    np.testing.assert_array_equal(fitted.trace, silent.trace)


def test_a_line_that_changes_on_a_terminal(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("fastgmm.em.progress.time.perf_counter", lambda: now[0])
    stream = Terminal()
    progress = Progress(stream)
    for number in (1, 2, 3):
        now[0] += 0.5
        progress(Underway("k-means", number, 500, 1000))
    progress(Underway("EM", 1, 0, 1000))
    progress.close()
    lines = stream.getvalue().split("\n")
    shown = [each.strip() for each in lines[0].split("\r")[1:]]
    assert shown == [
        "k-means, pass 1, 1.0e3 rows/s",
        "k-means, pass 2, 1.5e3 rows/s",
        "k-means, pass 3, 1.7e3 rows/s",
        "k-means: 3 passes in 1.50 s, 1.7e3 rows/s",
    ]
    assert lines[1:] == ["\rEM: 1 pass in 0.00 s", ""]


def test_a_function_is_called_instead_and_anything_else_refused():
    X, _ = make_problem(60, 2, 2)
    seen = []
    fastgmm.select(X, 2, progress=seen.append)
    assert [each.stage for each in seen if each.stage == "EM"]
    assert all(each.number >= 1 and 0 <= each.n_seen <= each.n_samples == 60 for each in seen)
    with pytest.raises(TypeError, match="progress must be True, False or a function, got 'yes'"):
        fastgmm.fit(X, 2, progress="yes")
    with pytest.raises(TypeError, match=r"^progress must be True, False or a function, got array\(.*\.\.\.$"):
        fastgmm.fit(X, 2, progress=X)


def test_an_estimator_names_its_start(capsys):
    X, _ = make_problem(60, 2, 2)
    fastgmm.GaussianMixture(2, random_state=0, verbose=1, tol=0.5).fit(X)
    out = [line for line in capsys.readouterr().out.splitlines() if not line.startswith("compiling")]
    assert [line.split(":")[0] for line in out] == [
        *("variances", "k-means++", "k-means"),
        *("Initialization 0", "Initialization converged."),
    ]


@pytest.mark.parametrize("verbose", [1, 2])
@pytest.mark.parametrize(("tol", "max_iter"), [(1e-3, 500), (0.0, 7), (1e-9, 3)])
@pytest.mark.filterwarnings("ignore:(Best performing )?[Ii]nitialization")
def test_an_estimator_tells_how_each_start_ended(capsys, verbose, tol, max_iter):
    """What scikit-learn prints of the same fit, but for the seconds."""
    mixture = pytest.importorskip("sklearn.mixture")
    X, start = make_problem(60, 2, 2)
    options = {"tol": tol, "max_iter": max_iter, "verbose": verbose, "verbose_interval": 2, "random_state": 0}
    given = {"weights_init": start.weights, "means_init": start.means}
    given["precisions_init"] = np.linalg.inv(start.covariances)

    def printed_by(kind, **options):
        kind(2, **options).fit(X)
        lines = re.sub(r"lapse [\d.]+s", "lapse", capsys.readouterr().out).replace("-0.00000", "0.00000").splitlines()
        return [line for line in lines if not re.match("variances|k-means|compiling", line)]

    expected = printed_by(mixture.GaussianMixture, **options, **given)
    assert printed_by(fastgmm.GaussianMixture, **options, **given) == expected
    starts = [line for line in printed_by(fastgmm.GaussianMixture, n_init=2, **options) if line[0] != " "]
    assert [line[:21] for line in starts[::2]] == ["Initialization 0", "Initialization 1"]
    assert [line.split(".")[0] for line in starts[1::2]] == [expected[-1].split(".")[0]] * 2


@pytest.mark.compiled
def test_an_estimator_says_once_that_it_compiles(capsys, monkeypatch):
    compile_something = numba.njit(lambda x: 2 * x), numba.njit(lambda x: 3 * x)

    def fit_source(source, options):
        source._watch(Underway("k-means", 1, 60, 60))
        for function in compile_something:
            function(4)
        return fitting.fit_source(source, options)

    monkeypatch.setattr("fastgmm._sklearn.estimator.fit_source", fit_source)
    X, _ = make_problem(60, 2, 2)
    fastgmm.GaussianMixture(2, random_state=0, verbose=1, tol=0.5).fit(X)
    first, second, *rest = capsys.readouterr().out.splitlines()
    assert re.fullmatch("compiling for this processor, once(: 10 to 30 s)?", first)
    assert second.startswith("k-means: 1 pass in")
    assert not [line for line in rest if line.startswith("compiling")]


@pytest.mark.compiled
def test_compiling_is_said_in_the_place_of_a_line_and_ends_no_stage():
    stream = Terminal()
    progress = Progress(stream)
    progress(Underway("k-means", 1, 500, 1000))
    with progress.of_compiling():
        numba.njit(lambda x: 6 * x)(4)
    progress(Underway("k-means", 2, 500, 1000))
    progress.close()
    first, second, end = stream.getvalue().split("\n")
    assert first.rsplit("\r", 1)[1].startswith("compiling for this processor, once")
    assert second.rsplit("\r", 1)[1].startswith("k-means: 2 passes in ")
    assert end == ""


@pytest.mark.compiled
def test_a_fit_says_once_that_it_compiles(capsys, monkeypatch):
    compile_something = numba.njit(lambda x: 4 * x), numba.njit(lambda x: 5 * x)

    def fit_source(source, options):
        for function in compile_something:
            function(4)
        return fitting.fit_source(source, options)

    monkeypatch.setattr("fastgmm.api.fit_source", fit_source)
    X, _ = make_problem(60, 2, 2)
    fastgmm.fit(X, 2, random_state=0, progress=True)
    first, *rest = capsys.readouterr().err.splitlines()
    assert re.fullmatch("compiling for this processor, once(: 10 to 30 s)?", first)
    assert not [line for line in rest if line.startswith("compiling")]


def test_the_line_is_finished_where_a_fit_ends_early(capsys):
    X, _ = make_problem(60, 2, 2)

    def fail(state):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        fastgmm.fit(X, 2, random_state=0, progress=True, callback=fail)
    assert capsys.readouterr().err.endswith("rows/s\n")


def test_what_is_left_of_a_long_pass_is_told(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    pace = progress.Pace()
    pace.take(Underway("EM", 1, 0, 1000))
    now[0] = 2.0
    assert pace.take(Underway("EM", 1, 250, 1000)) == "EM, pass 1, 1.2e2 rows/s, 6 s of it left"
    assert pace.take(Underway("EM", 1, 1000, 1000)) == "EM, pass 1, 5.0e2 rows/s"
    now[0] = 4.0
    assert pace.take(Underway("EM", 2, 500, 1000)) == "EM, pass 2, 3.8e2 rows/s, 1 s of it left"


def test_nothing_is_told_after_an_interrupt():
    X, start = make_problem(600, 2, 2)
    seen = []

    def interrupt(underway):
        seen.append(underway)
        if underway.stage == "EM":
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(X, 2, init=start, progress=interrupt, callback=lambda state: False)
    told = len(seen)
    # Covariances are raised to their floor now.
    assert caught.value.outcome.n_iter == 1
    assert len(seen) == told
