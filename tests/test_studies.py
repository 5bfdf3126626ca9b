"""The five programs of ``bench/studies``: each is run, and its key numbers and pictures are looked at."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

for extra in ("typer", "rich", "matplotlib", "pyarrow"):
    pytest.importorskip(extra)
ROOT = Path(__file__).parent.parent
if not (ROOT / "bench" / "studies").is_dir():
    pytest.skip("the studies are not part of an installed package", allow_module_level=True)

from matplotlib import image  # noqa: E402

import fastgmm  # noqa: E402
from bench import studies  # noqa: E402
from bench.studies import (  # noqa: E402
    p0_assignments,
    p1_two_columns,
    p2_mall_customers,
    p3_four_clusters,
    p3_starts,
    p4_faults,
    p4_time_series,
)
from fastgmm import IterationState, Mixture  # noqa: E402
from fastgmm.data import fourclusters, load_example  # noqa: E402
from fastgmm.pictures import drawing  # noqa: E402
from fastgmm.shell import application  # noqa: E402

SCRIPTS = ("p0_assignments", "p1_two_columns", "p2_mall_customers", "p3_four_clusters", "p4_time_series")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Run a study with ``--out pictures`` in an empty directory; return exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drawing, "DPI", 60)  # most of the time would go into pixels

    def run(module, *arguments):
        code = studies.run(module.main, [*map(str, arguments), "--out", "pictures"])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def customers(tmp_path):
    """Write a CSV of the columns that P2 reads: 200 rows in five groups."""
    generator = np.random.default_rng(0)
    centers = np.repeat([[55.0, 50.0], [25.0, 20.0], [25.0, 80.0], [90.0, 15.0], [90.0, 85.0]], 40, axis=0)
    lines = ["CustomerID,Gender,Age,Annual Income (k$),Spending Score (1-100)"]
    for i, (income, score) in enumerate(generator.normal(centers, 5.0), start=1):
        lines.append(f"{i:04d},{'Male' if i % 2 else 'Female'},{20 + i % 40},{income:.1f},{score:.1f}")
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def numbers_after(text, label):
    """Return the numbers of the line that begins with `label`."""
    (line,) = (line.strip() for line in text.splitlines() if line.strip().startswith(label))
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", line[len(label) :])]


def assert_pictures(directory, *names):
    """Each is there, and no others; each shows something: many shades, and not on white alone."""
    assert {path.stem for path in directory.glob("*.png")} == set(names)
    for name in names:
        pixels = image.imread(directory / f"{name}.png")[:, :, :3]
        assert min(pixels.shape[:2]) > 150
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 50, name
        assert 0.003 < np.mean(pixels.min(axis=2) < 0.9) < 0.5, name


# ---- P0 ---------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_p0(run, tmp_path):
    code, out, error = run(p0_assignments)
    assert (code, error) == (0, "")
    assert_pictures(tmp_path / "pictures", "clusters", "stopping")
    earlier, differing = numbers_after(out, "fastgmm's own rule, tol=0.001, would stop")
    final, _ = numbers_after(out, "labels are final")
    stopped, _ = numbers_after(out, "the original's rule, 1e-08: stopped by callback")
    assert earlier < 0.4 * stopped
    assert 0 < differing < 50
    assert earlier < final < 0.55 * stopped
    labels = np.loadtxt(tmp_path / "pictures" / "labels.csv", delimiter=",", skiprows=1, usecols=1, dtype=int)
    assert numbers_after(out, "rows of each label:") == np.bincount(labels).tolist()
    assert len(labels) == 5000
    assert numbers_after(out, "log-likelihood:") == pytest.approx([-1951.3174], abs=1e-3)


@pytest.mark.compiled
def test_p0_from_a_start_with_a_plateau(run):
    _, out, _ = run(p0_assignments, "--seed", 5)
    assert numbers_after(out, "fastgmm's own rule, tol=0.001, would stop")[1] > 1000


def test_the_rule_of_p0_is_the_norm_of_the_change():
    X, _ = load_example("fourclusters")
    X = X[:80]
    start = p0_assignments.sample_row_start(X, np.random.default_rng(0))
    np.testing.assert_array_equal(start.covariances[2], np.cov(X.T))
    assert all((mean == X).all(axis=1).any() for mean in start.means)
    watch = p0_assignments.UntilResponsibilitiesSettle(X, start)
    after = fastgmm.fit(X, 4, init=start, tol=0.0, max_iter=1).mixture
    assert not watch(IterationState(0, 1, 0.0, np.inf, after.parameters))
    change = after.responsibilities(X).max(axis=1) - start.responsibilities(X).max(axis=1)
    assert watch.norms == [pytest.approx(np.sqrt(np.sum(change**2)))]
    assert watch(IterationState(0, 2, 0.0, 0.0, after.parameters))
    assert watch.norms[1] == 0.0


# ---- P1 ---------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_p1(run, tmp_path):
    code, out, error = run(p1_two_columns)
    assert (code, error) == (0, "")
    kinds = ("rows", "classes", "log_likelihood")
    assert_pictures(tmp_path / "pictures", *(f"{name}_{kind}" for name in ("geyser", "sample") for kind in kinds))
    geyser = out.split("sample:")[0]
    *_, settled, least, most = numbers_after(geyser, "its start, 100 rounds")
    assert 40 < settled < 100
    assert (least, most) == pytest.approx((290.407, 290.407), abs=0.01)
    assert numbers_after(geyser, "its start, fastgmm's rule")[4] < least - 100.0
    default = numbers_after(geyser, "fastgmm's default")
    assert default[1] == 3
    assert default[4:] == pytest.approx([290.407, 290.407], abs=0.01)
    wrong, rows = numbers_after(out, "rows of the sample in the other class:")
    assert wrong < 5
    assert rows == 100
    labels = np.loadtxt(tmp_path / "pictures" / "sample_labels.csv", delimiter=",", skiprows=1, usecols=1)
    assert p1_two_columns.n_apart(labels, np.repeat([0, 1], [30, 70])) == wrong
    np.testing.assert_array_equal(
        np.loadtxt(tmp_path / "pictures" / "sample.txt"), p1_two_columns.make_sample(0), strict=True
    )


@pytest.mark.compiled
def test_p1_reads_a_file(run, tmp_path):
    X, _ = load_example("geyser")
    np.savetxt(tmp_path / "faithful.txt", X[:60])
    code, out, _ = run(p1_two_columns, "faithful.txt")
    assert code == 0
    assert "file: 60 rows" in out
    assert "geyser" not in out


def test_the_sample_of_p1_is_drawn_from_two_normal_distributions():
    samples = np.array([p1_two_columns.make_sample(seed) for seed in range(200)])
    assert samples.shape == (200, 100, 2)
    for rows, mean, variances in ((slice(0, 30), [0, 1], [0.3, 0.1]), (slice(30, 100), [2, 1], [0.2, 0.3])):
        drawn = samples[:, rows].reshape(-1, 2)
        np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.03)
        np.testing.assert_allclose(drawn.var(axis=0), variances, atol=0.02)


def test_classes_may_have_changed_names():
    labels = np.array([0, 0, 1, 1, 1])
    assert p1_two_columns.n_apart(labels, 1 - labels) == 0
    assert p1_two_columns.n_apart(labels, np.array([1, 1, 0, 0, 1])) == 1


# ---- P2 ---------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_p2(run, tmp_path, customers):
    code, out, error = run(p2_mall_customers, "customers.csv")
    assert (code, error) == (0, "")
    pictures = tmp_path / "pictures"
    assert_pictures(pictures, "data", "clusters", "log_likelihood", "responsibilities", "bic", "groups")
    assert all(column in out for column in p2_mall_customers.COLUMNS)
    least, most, rows = numbers_after(out, "rows of density 0, in float64, under the original's start:")
    assert 0 < least <= most < rows == 200
    for way in ("the original's start", "fastgmm's default"):
        lowest, highest, n_ends, n_best = numbers_after(out, way)
        assert lowest < highest - 10.0
        assert n_ends > 1
        assert n_best < 100
    best_first = out.split("Best first, by BIC")[1].splitlines()
    assert next(int(line.split()[0]) for line in best_first if " full " in line) == 5


def test_far_rows_have_no_density_in_float64():
    start = Mixture(np.full(3, 1 / 3), np.zeros((3, 2)), np.array([np.eye(2)] * 3))
    X = np.array([[0.0, 0.0], [38.0, 0.0], [0.0, 39.0], [-40.0, 60.0]])
    assert p2_mall_customers.n_underflowing(X, start) == 2
    assert p2_mall_customers.n_underflowing(X[:2], start) == 0


# ---- P3 ---------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_p3(run, tmp_path):
    code, out, error = run(p3_four_clusters)
    assert (code, error) == (0, "")
    assert_pictures(tmp_path / "pictures", "log_likelihood", "rows", "starts", "stalled")
    final, rounds = numbers_after(out, "log-likelihood -")
    assert final == pytest.approx(1951.327, abs=0.01)
    assert rounds == pytest.approx(29, abs=1)
    assert numbers_after(out, "with the original's M step")[1] == pytest.approx(50, abs=1)
    for iteration, value in fourclusters.TRACE.items():
        published, met = numbers_after(out.split("published")[1], f"{iteration}  ")
        assert published == value
        assert met == pytest.approx(value, abs=15.0)
    assert (tmp_path / "pictures" / "formula.tex").read_text().strip() in out

    ends = [
        line.split() for line in out.split("Where 400 starts end")[1].splitlines() if line.strip().startswith("-")
    ]
    counts = np.array([[int(line[1]), int(line[2])] for line in ends])
    np.testing.assert_array_equal(counts.sum(axis=0), [200, 200])
    assert float(ends[0][0]) == pytest.approx(-1951.32, abs=0.02)
    assert " ".join(ends[0][6:]) == "0 | 1 | 2 | 3"
    # Starts that hold a point twice end with fewer clusters; all others of this kind, and most real ones, do not.
    distinct = [len(np.unique(means, axis=0)) for means in p3_starts.random_starts(0)["integer"]]
    assert counts[0, 0] == distinct.count(4) < 30
    assert counts[0, 1] >= 180
    for line, (integer, real) in zip(ends[1:], counts[1:], strict=True):
        n_components = line[6:].count("|") + 1
        assert (integer == 0) == (n_components == 4) == (real > 0)


def test_the_m_step_of_p3_is_the_originals():
    X, _ = load_example("fourclusters")
    X = X[:200]
    start = Mixture(*fourclusters.START)
    after = p3_four_clusters.original_m_step(fastgmm.accumulate(X, start))
    responsibilities = start.responsibilities(X)
    sums = responsibilities.sum(axis=0)
    np.testing.assert_allclose(after.weights, sums / len(X))
    np.testing.assert_allclose(after.means, responsibilities.T @ X / sums[:, np.newaxis])
    differences = X[:, np.newaxis] - start.means
    expected = np.einsum("nk,nki,nkj->kij", responsibilities, differences, differences)
    np.testing.assert_allclose(after.covariances, expected / sums[:, np.newaxis, np.newaxis])


def test_totals_after_each_round():
    X, _ = load_example("fourclusters")
    X = X[:100]
    start = Mixture(*fourclusters.START)
    result = fastgmm.fit(X, 4, init=start, tol=0.0, max_iter=3)
    totals = p3_four_clusters.totals_of(result, len(X))
    for rounds in (1, 2, 3):
        expected = fastgmm.fit(X, 4, init=start, tol=0.0, max_iter=rounds).log_likelihood
        assert totals[rounds - 1] == pytest.approx(expected)


def test_formula_is_latex():
    mixture = Mixture(np.array([0.25, 0.75]), np.array([[1.0], [-2.0]]), np.array([[[0.5]], [[3.0]]]))
    assert p3_four_clusters.formula(mixture) == (
        r"p(x) = 0.25000\,\mathcal{N}\!\left(x;\,\begin{pmatrix}1.00000\end{pmatrix},"
        r"\,\begin{pmatrix}0.50000\end{pmatrix}\right)"
        "\n  + "
        r"0.75000\,\mathcal{N}\!\left(x;\,\begin{pmatrix}-2.00000\end{pmatrix},"
        r"\,\begin{pmatrix}3.00000\end{pmatrix}\right)"
    )
    assert r"\begin{pmatrix}0.03446 & -0.01299\\-0.01299 & 0.03458\end{pmatrix}" in p3_four_clusters.formula(
        Mixture(*fourclusters.RESULT)
    )


def test_plateaus():
    groups = studies.plateaus(np.array([-5.0, -1.0, -1.4, -5.1, -1.9, -9.0]), 0.6)
    assert [group.tolist() for group in groups] == [[1, 2, 4], [0, 3], [5]]


# ---- P4 ---------------------------------------------------------------------------------------------------


@pytest.mark.compiled
def test_p4(run, tmp_path):
    code, out, error = run(p4_time_series)
    assert (code, error) == (0, "")
    assert_pictures(tmp_path / "pictures", "answer", "collapse", "means")

    def row(label):
        collapsed, answers, times, *values = numbers_after(out, label)
        return collapsed, answers, times, np.reshape(values, (-1, 3))

    for start in ("random rows", "k-means"):
        assert row(f"faults: over samples; {start}")[:2] == (100, 0)
        assert row(f"faults: both; {start}")[0] == 0
    for label in ("faults: none; k-means", "fastgmm, tol=1e-08"):
        collapsed, answers, times, (means, variances, weights) = row(label)
        assert (collapsed, answers, times) == (0, 1, 100)
        np.testing.assert_allclose(means, [24.6, 37.6, 44.3])
        np.testing.assert_allclose(variances, [0.144, 24.5, 0.143])
        np.testing.assert_allclose(weights, [0.158, 0.305, 0.537])
    assert row("faults: none; random rows")[1] > 3
    assert row("fastgmm, tol=0.001")[1] > 1
    # The cure that hid the faults: means within 2.2 of the right ones, weights of 1/50, variances far too small.
    *_, (means, variances, weights) = row("faults: both; k-means")
    np.testing.assert_allclose(means, [24.6, 37.6, 44.3], atol=2.2)
    np.testing.assert_allclose(weights, 0.02)
    assert variances[1] < 1.0

    assert re.search(r"the covariance of component \d is not positive definite", out)
    assert re.search(r"component \d has no spread at all; only the floor of the covariances", out)
    assert min(numbers_after(out, "Its variances:")) == pytest.approx(
        1e-12 * load_example("timeseries")[0].var(), rel=0.05
    )
    collapsed, answer = numbers_after(out, "Its log-likelihood:")
    assert collapsed > answer == pytest.approx(-106.19, abs=0.01)


def test_the_original_of_p4_without_faults_is_em(monkeypatch):
    monkeypatch.setattr(p4_faults, "N_ROUNDS", 4)
    x = load_example("timeseries")[0][:, 0]
    means = np.array([[24.0, 36.0, 44.0], [30.0, 40.0, 44.5]])
    weights, after, variances = p4_faults.original(x, means, over_samples=False, root=False)
    for start in (0, 1):
        begin = Mixture(np.full(3, 1 / 3), means[start][:, np.newaxis], np.full((3, 1, 1), x.var()))
        expected = fastgmm.fit(x, 3, init=begin, tol=0.0, max_iter=4, reg_covar=0.0).mixture
        np.testing.assert_allclose(weights[start], expected.weights)
        np.testing.assert_allclose(after[start], expected.means.ravel())
        np.testing.assert_allclose(variances[start], expected.covariances.ravel())


# ---- all --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        (p0_assignments, ["--seed", "-1"], "Invalid value for '--seed'"),
        (p0_assignments, ["--fast"], "No such option: --fast"),
        (p1_two_columns, ["nowhere.txt"], "nowhere.txt: no such file"),
        (p1_two_columns, ["constant.txt"], "column 1 (counted from 0) cannot be scaled to [0, 1]: it has no range"),
        (p2_mall_customers, [], "Missing argument 'CSV'"),
        (p2_mall_customers, ["nowhere.csv"], "nowhere.csv: no such file"),
        (p2_mall_customers, ["constant.txt"], "constant.txt does not name its columns"),
        (
            p2_mall_customers,
            ["customers.csv", "--columns", "Income"],
            "customers.csv has no column 'Income'; its columns",
        ),
        (p2_mall_customers, ["customers.csv", "--columns", "Gender"], "column 'Gender': 'Male' is not a number"),
    ],
)
def test_bad_input_is_one_line_and_code_2(run, tmp_path, customers, module, arguments, message):
    (tmp_path / "constant.txt").write_text("3 2\n1 2\n4 2\n")
    code, out, error = run(module, *arguments)
    assert (code, out) == (2, "")
    assert error.startswith("Error: ")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "pictures").exists()


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_that_cannot_write_says_so(tmp_path, customers, script):
    taken = tmp_path / "taken"
    taken.write_text("mine")
    files = [str(customers)] * (script == "p2_mall_customers")
    command = [sys.executable, "-m", f"bench.studies.{script}", *files, "--out", str(taken)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"Error: --out {taken} is a file; it must be a directory, or not exist yet\n"
    assert taken.read_text() == "mine"


def test_help_is_the_docstring_of_the_script(capsys):
    assert studies.run(p4_time_series.main, ["--help"]) == 0
    out = capsys.readouterr().out
    assert "Usage: python -m bench.studies.p4_time_series" in out
    assert "three means and three variances of one column" in out


def test_a_missing_extra_is_one_line():
    code = "import sys; sys.modules['typer'] = None; import bench.studies"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == application.EXTRA_MISSING.format("typer") + "\n"


def test_the_command_line_extra_is_enough():
    allowed = {*sys.stdlib_module_names, "numpy", "matplotlib", "rich", "typer", "fastgmm", "bench"}
    for path in (ROOT / "bench" / "studies").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names = {node.module}
            else:
                continue
            assert {name.split(".")[0] for name in names} <= allowed, path.name


def test_every_script_is_in_the_documentation():
    named = set(re.findall(r"python -m bench\.studies\.(\w+)", (ROOT / "docs" / "studies.md").read_text()))
    assert named == set(SCRIPTS)
