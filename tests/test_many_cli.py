"""``fastgmm fit-many``: a table with a line for each component of each group."""

import numpy as np
import pytest

import fastgmm

pytest.importorskip("typer")
pa = pytest.importorskip("pyarrow")

from pyarrow import csv, feather, parquet  # noqa: E402

from fastgmm.em.outcome import Interrupted  # noqa: E402
from fastgmm.shell import many as shell_many  # noqa: E402
from fastgmm.shell.commands import main  # noqa: E402


@pytest.fixture
def data(tmp_path):
    generator = np.random.default_rng(0)
    values = np.where(generator.random(60) < 0.5, 0.0, 9.0) + generator.normal(size=60)
    genes = ["TP53", "BRCA1", "EGFR"] * 20 + ["LONE"]
    rows = pa.table({"gene": genes, "plate": [3, 1, 2] * 20 + [9], "expression": [*values, 1.0]})
    parquet.write_table(rows, tmp_path / "data.parquet")
    csv.write_csv(rows, tmp_path / "data.csv")
    return tmp_path


def many(data, *arguments):
    return main(["fit-many", str(data / "data.parquet"), *arguments])


@pytest.mark.parametrize("suffix", ["parquet", "feather", "csv"])
def test_a_table_of_all_groups(data, suffix, capsys):
    out = data / "new" / f"table.{suffix}"
    for source in ("data.csv", "data.parquet"):
        arguments = ["--by", "gene", "-k", "2", "--columns", "expression", "--out", str(out)]
        assert main(["fit-many", str(data / source), *arguments]) == 0
        readers = {"parquet": parquet.read_table, "feather": feather.read_table, "csv": csv.read_csv}
        table = readers[suffix](out)
        assert table["gene"].to_pylist() == ["TP53", "TP53", "BRCA1", "BRCA1", "EGFR", "EGFR", "LONE"]
        rows = csv.read_csv(data / "data.csv")
        X = rows["expression"].to_numpy()[:60].reshape(20, 3).T
        for g, gene in enumerate(["TP53", "BRCA1", "EGFR"]):
            alone = fastgmm.fit(X[g], 2, random_state=fastgmm.stream(0, gene)).mixture
            np.testing.assert_array_equal(table["mean_expression"].to_numpy()[2 * g : 2 * g + 2], alone.means.ravel())
        assert table["error"].to_pylist()[-1] == "2 components are too many for 1 row"
    printed = capsys.readouterr()
    assert "No fit for 'LONE': 2 components are too many for 1 row" in printed.out
    assert f"4 groups written to {out}" in printed.out
    assert not printed.err


def test_a_column_of_labels_is_no_feature(data, capsys):
    out = data / "table.parquet"
    assert many(data, "--by", "plate", "-k", "1-2", "--out", str(out), "--reg-covar", "0.1") == 0
    table = parquet.read_table(out)
    assert table["plate"].to_pylist()[:2] == [3, 3]
    assert [name for name in table.column_names if name.startswith("mean_")] == ["mean_expression"]
    assert "'gene'" in capsys.readouterr().err  # which is not used, and said to be left out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--by", "gene", "-k", "2", "--out", "table.txt"], "--out table.txt must end in .parquet, .feather, .csv"),
        (["--by", "nope", "-k", "2"], "has no column 'nope'; its columns are 'gene', 'plate', 'expression'"),
        (
            ["--by", "plate", "-k", "2", "--columns", "plate"],
            "--by names 'plate', which --columns or --weights names",
        ),
        (["--by", "gene", "-k", "0"], "it must be at least 1, got 0"),
    ],
)
def test_what_is_wrong_writes_nothing(data, arguments, message, capsys):
    if "--out" not in arguments:
        arguments = [*arguments, "--out", str(data / "table.csv")]
    before = sorted(data.iterdir())
    assert many(data, *arguments) == 2
    assert message in capsys.readouterr().err
    assert sorted(data.iterdir()) == before


def test_labels_that_are_missing_or_named_like_a_column(data, capsys):
    parquet.write_table(pa.table({"g": ["a", None], "weight": ["u", "v"], "x": [1.0, 2.0]}), data / "data.parquet")
    out = str(data / "table.csv")
    assert many(data, "--by", "g", "-k", "1", "--out", out) == 2
    assert "column 'g' has 1 missing label;" in capsys.readouterr().err
    assert many(data, "--by", "weight", "-k", "1", "--out", out) == 2
    assert "--by names a column 'weight', which the table has itself" in capsys.readouterr().err


def test_an_interrupt_writes_what_has_been_fitted(data, capsys, monkeypatch):
    def interrupted(X, n_components, **options):
        raise Interrupted(fastgmm.fit_many(X, n_components, **options))

    monkeypatch.setattr(shell_many, "fitted_many", interrupted)
    out = data / "table.parquet"
    assert many(data, "--by", "gene", "-k", "1", "--columns", "expression", "--out", str(out)) == 130
    assert len(parquet.read_table(out)) == 4
    printed = capsys.readouterr()
    assert f"4 groups written to {out}" in printed.out
    assert printed.err.startswith("Interrupted; 4 of 4 groups are fitted, K = 1 at most\n")
