"""The front of the house: the README's examples run and say what they print, links lead somewhere, versions agree."""

import re
import shlex
import shutil
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import fastgmm

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
if not README.is_file():
    pytest.skip("the documents are not part of an installed package", allow_module_level=True)

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "bench/*.md", "fastgmm/**/*.md")
    for path in ROOT.glob(pattern)
    if path.is_file()
)


def blocks_of(page, language):
    """The code blocks of a page in this language; "" for those without one."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)


def test_the_readme_is_for_newcomers():
    assert len(README.read_text().splitlines()) <= 150
    assert README.read_text().count("![") == 1


def test_what_the_readme_writes_is_not_for_git():
    written = re.findall(r"--out (\S+)|\.save\(\"(\S+)\"\)", README.read_text())
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert len(written) >= 4
    assert all(f"/{first or second}" in [line.rstrip("/") for line in ignored] for first, second in written)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target
    # What is named by its path from the root.
    for name in re.findall(r"`((?:fastgmm|bench|tests|docs)/[\w./]+)`", text):
        assert (ROOT / name).exists(), name


@pytest.mark.compiled  # a million rows
def test_the_quick_start_prints_what_the_readme_says(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    (code,) = blocks_of(README, "python")
    namespace = {}
    exec(code, namespace)
    same, mixture = namespace["same"], namespace["mixture"]
    np.testing.assert_array_equal(same.means, mixture.means)
    assert namespace["responsibilities"].shape == (1_000_000, 2)
    printed = capsys.readouterr().out
    assert printed == f"{namespace['result']}\n{namespace['selection']}\n"
    (said,) = blocks_of(README, "text")
    words, expected = (re.sub(r"\S+ s\n", "", text).split() for text in (printed.partition("\nSelection")[0], said))
    assert_close(words, expected)


def assert_close(words, expected):
    assert len(words) == len(expected)
    for word, other in zip(words, expected, strict=True):
        if re.fullmatch(r"-?[\d.]+", other.strip("[],")):
            assert float(word.strip("[],")) == pytest.approx(float(other.strip("[],")), rel=1e-3, abs=0.01)
        else:
            assert word == other


@pytest.mark.parametrize("name", ["questions.md", "missing.md", "mclust.md"])
def test_examples_have_the_answers_of_the_page(name, capsys):
    pytest.importorskip("pandas")
    page, namespace = ROOT / "docs" / name, {}
    for code, said in zip(blocks_of(page, "python"), blocks_of(page, "text"), strict=True):
        exec(code, namespace)
        assert_close(capsys.readouterr().out.split(), said.split())


def commands_of(page):
    lines = [line for block in blocks_of(page, "") for line in block.splitlines()]
    return [shlex.split(line) for line in lines if line.startswith("fastgmm ")]


def test_the_examples_of_the_shell_run(tmp_path, monkeypatch, capsys):
    for name in ("typer", "pyarrow", "matplotlib", "rich"):
        pytest.importorskip(name)
    from fastgmm.shell import commands

    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "customers.csv", tmp_path / "docs")
    examples = commands_of(README)
    assert {each[1] for each in examples} == {"fit", "predict"}
    for each in examples:
        assert commands.main(each[1:]) == 0, each
        assert capsys.readouterr().out
    assert (tmp_path / "geyser" / "bic.png").is_file()
    # A label for each row, none where a value is missing.
    lines = [(tmp_path / name).read_text().splitlines() for name in ("docs/customers.csv", "labels.csv")]
    assert len(lines[0]) == len(lines[1])


def test_continuous_integration_finds_the_test_command():
    script = ROOT / ".ci" / "run"
    if not script.is_file():
        pytest.skip("a source distribution has no continuous integration")
    (pattern,) = re.findall(r"sed -n \"s/\^\\\((.*?)\\\)\$/", script.read_text())
    commands = re.findall(rf"^{pattern}$", README.read_text(), re.MULTILINE)
    assert commands == ["python -m pip install '.[test]' && python -m pytest -n 2"]


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == fastgmm.__version__
    assert f"\nversion: {fastgmm.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## {fastgmm.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.fixture
def engines():
    """What the page on scaling says of other engines: calls with Ray and with Spark, and a loop; and rows."""
    loop, ray, spark = [code for code in blocks_of(ROOT / "docs" / "scaling.md", "python") if "em(start" in code]
    namespace = {}
    exec(loop, namespace)
    generator = np.random.default_rng(0)
    X = generator.normal(size=(3000, 2)) + 5.0 * generator.integers(3, size=(3000, 1))
    return ray, spark, namespace, X


def assert_fits(fitted, namespace, X):
    start = fastgmm.fit(X[:1000], 3, random_state=0)
    expected = namespace["em"](start, lambda mixture: fastgmm.accumulate(X, mixture))
    np.testing.assert_allclose(fitted.means, expected.means, rtol=1e-10)
    whole = fastgmm.fit(X, 3, init=start.mixture)
    np.testing.assert_allclose(expected.score(X), whole.mixture.score(X), atol=2e-3)


def test_a_loop_on_one_machine(engines):
    *_, namespace, X = engines
    start = fastgmm.fit(X[:1000], 3, random_state=0)
    chunks = X[:1000], X[1000:1700], X[1700:]
    fitted = namespace["em"](start, lambda mixture: sum(fastgmm.accumulate(rows, mixture) for rows in chunks))
    assert_fits(fitted, namespace, X)


@pytest.mark.compiled  # each worker would be minutes about it
def test_a_loop_on_ray(engines):
    ray = pytest.importorskip("ray")
    code, _, namespace, X = engines
    with ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False):
        chunks = [ray.put(rows) for rows in np.split(X, 3)]
        exec(code, scope := namespace | {"ray": ray, "chunks": chunks})
    assert_fits(scope["fitted"], namespace, X)


@pytest.mark.compiled
def test_a_loop_on_spark(engines, monkeypatch):
    sql = pytest.importorskip("pyspark.sql")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    _, code, namespace, X = engines
    session = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        rows = session.sparkContext.parallelize(X.tolist(), 3)
        exec(code, scope := namespace | {"frame": session.createDataFrame(rows, ["a", "b"])})
        assert_fits(scope["fitted"], namespace, X)
    finally:
        session.stop()
