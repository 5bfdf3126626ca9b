"""Labels of many files: what is kept of them, in which formats they are written, and where they may lie."""

import csv
import re

import numpy as np
import pytest
from conftest import make_problem

import fastgmm
from fastgmm.shell import commands

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
parquet = pytest.importorskip("pyarrow.parquet")

X, START = make_problem(3000, 2, 3)
LINES = (
    "id,day,n,a,b\n0000,2024-01-01,9007199254740993, 1.50,2\n0001,2024-1-2,,1e0,3\n",
    'id,day,n,a,b\nx7,never,0x1,-1,0.10\n"x,8",,-0,2,3\n',
)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command in a directory with a model of the columns a and b."""
    monkeypatch.chdir(tmp_path)
    fastgmm.Mixture(*START.parameters[:3], feature_names=["a", "b"]).save("model.json")

    def run(*arguments):
        code = commands.main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def pieces(tmp_path):
    """Write three files of Parquet; return their directory."""
    directory = tmp_path / "data"
    directory.mkdir()
    for number in range(3):
        rows = X[1000 * number : 1000 * (number + 1)]
        parquet.write_table(pa.table({"a": rows[:, 0], "b": rows[:, 1]}), directory / f"{number}.parquet")
    return directory


@pytest.mark.parametrize(("kept", "n_kept"), [("id,day,n", 3), ("all", 5)])
def test_columns_of_csv_are_kept_as_they_are_written(run, tmp_path, kept, n_kept):
    for number, text in enumerate(LINES):
        (tmp_path / f"p{number}.csv").write_text(text)
    code, _, error = run("predict", "model.json", "p*.csv", "--keep", kept, "--out", "labels.csv")
    assert code == 0, error
    written = (tmp_path / "labels.csv").read_text().splitlines()
    assert written[1].startswith("0000,2024-01-01,9007199254740993,")
    expected = [row[:n_kept] for text in LINES for row in list(csv.reader(text.splitlines()))[1:]]
    rows = list(csv.reader(written))
    assert [row[:n_kept] for row in rows[1:]] == expected
    mixture = fastgmm.Mixture.load("model.json")
    labels = mixture.predict(np.array([[1.5, 2.0], [1.0, 3.0], [-1.0, 0.1], [2.0, 3.0]]))
    assert [row[n_kept : n_kept + 2] for row in rows[1:]] == [[str(i), str(label)] for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("field", "said"), [("word", "p1.csv, column 'a': .*'word'"), ("NA", "NaN or infinite in row 1")]
)
def test_a_feature_that_is_kept_must_be_a_number(run, tmp_path, field, said):
    (tmp_path / "p0.csv").write_text(LINES[0])
    (tmp_path / "p1.csv").write_text(f"id,day,n,a,b\n1,2,3,4,5\n1,2,3,{field},5\n")
    code, _, error = run("predict", "model.json", "p*.csv", "--keep", "all", "--out", "labels.csv")
    assert code == 2
    assert re.search(said, error)
    assert not (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize("out", ["data/labels.parquet", "data/new/labels.feather", "data/1.parquet"])
def test_labels_do_not_lie_in_the_directory_that_is_read(run, pieces, out):
    before = sorted(pieces.rglob("*"))
    code, _, error = run("predict", "model.json", "data", "--out", out)
    assert (code, error) == (
        2,
        f"Error: --out {out} would be one of the files of data; give a path that is none of them\n",
    )
    assert sorted(pieces.rglob("*")) == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "model.json", "labels.csv", "--out", "labels.csv"),
        ("predict", "model.json", "labels.csv", "--out", "link.csv"),
        ("fit-many", "labels.csv", "--by", "g", "-k", "1", "--out", "labels.csv"),
        ("fit", "labels.csv", "-k", "1", "--no-plots", "--out", "."),
        ("fit", "candidates.csv", "-k", "1-2", "--no-plots", "--out", "."),
    ],
)
def test_data_are_not_written_over(run, tmp_path, arguments):
    for name in ("labels.csv", "candidates.csv"):
        (tmp_path / name).write_text("a,b,g\n1,2,0\n3,5,0\n4,1,0\n")
    (tmp_path / "link.csv").symlink_to("labels.csv")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    code, _, error = run(*arguments)
    source = next(each for each in arguments if each.endswith(".csv"))
    assert code == 2
    assert error.endswith(f"Error: --out would replace the data, {source}; give another path\n")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("pattern", "out", "refused"),
    [
        ("data/*.parquet", "data/labels.parquet", True),
        ("data/*.parquet", "./data/../data/labels.parquet", True),
        ("**/[0-9]*.parquet", "new/7.parquet", True),
        ("data/*.parquet", "data/new/labels.parquet", False),
        ("data/[0-9].parquet", "data/labels.parquet", False),
        ("data/*.parquet", "labels.parquet", False),
    ],
)
def test_labels_do_not_match_the_pattern_that_is_read(run, pieces, pattern, out, refused):
    code, _, error = run("predict", "model.json", pattern, "--out", out)
    assert (code, "would be one of the files of" in error) == (2 if refused else 0, refused), error


@pytest.mark.parametrize("source", ["data", "data/0.parquet"])
@pytest.mark.parametrize("suffix", ["feather", "arrow", "pq", "csv"])
def test_labels_have_the_format_of_their_suffix(run, pieces, source, suffix):
    assert run("predict", "model.json", source, "--keep", "a", "--out", f"labels.{suffix}")[0] == 0
    kind = {"pq": "parquet", "csv": "csv"}.get(suffix, "feather")
    labels = dataset.dataset(f"labels.{suffix}", format=kind).to_table()
    assert labels.column_names == ["a", "row", "label", *(f"responsibility_{k}" for k in range(3))]
    rows = X if source == "data" else X[:1000]
    np.testing.assert_array_equal(labels["a"], rows[:, 0])
    np.testing.assert_array_equal(labels["label"], fastgmm.Mixture.load("model.json").predict(rows))


@pytest.mark.parametrize("source", ["data", "data/0.parquet"])
def test_labels_may_say_how_uncertain_they_are(run, pieces, source):
    assert run("predict", "model.json", source, "--uncertainty", "--out", "labels.parquet")[0] == 0
    labels = parquet.read_table("labels.parquet")
    assert labels.column_names == ["row", "label", "uncertainty", *(f"responsibility_{k}" for k in range(3))]
    rows = X if source == "data" else X[:1000]
    np.testing.assert_array_equal(labels["uncertainty"], fastgmm.Mixture.load("model.json").uncertainty(rows))


@pytest.mark.parametrize("source", ["data", "data/0.parquet"])
def test_a_kept_column_is_not_taken_for_the_uncertainty(run, pieces, source):
    for path in pieces.iterdir():
        table = parquet.read_table(path)
        parquet.write_table(table.append_column("uncertainty", table["a"]), path)
    command = "predict", "model.json", source, "--keep", "uncertainty", "--out", "labels.parquet"
    assert run(*command)[0] == 0
    said = "Error: --keep names a column 'uncertainty', which labels have themselves; keep others by name\n"
    assert run(*command, "--uncertainty")[::2] == (2, said)


@pytest.mark.parametrize("suffix", ["feather", "parquet", "csv"])
def test_parts_may_have_categories_of_their_own(run, tmp_path, suffix):
    words = ["x", "y"], ["z", "x"]
    for number, own in enumerate(words):
        table = pa.table({"a": X[:2, 0], "b": X[:2, 1], "0": pa.array(own).dictionary_encode()})
        parquet.write_table(table, tmp_path / f"p{number}.parquet")
    code, _, error = run("predict", "model.json", "p*.parquet", "--keep", "0", "--out", f"labels.{suffix}")
    assert code == 0, error
    labels = dataset.dataset(f"labels.{suffix}", format=suffix).to_table()
    assert labels["0"].to_pylist() == [*words[0], *words[1]]


@pytest.mark.parametrize("source", ["data", "data/0.parquet"])
def test_labels_of_no_known_format_are_refused(run, pieces, source):
    said = "Error: --out labels.csv.gz must end in .parquet, .pq, .feather, .arrow, .csv\n"
    assert run("predict", "model.json", source, "--out", "labels.csv.gz")[::2] == (2, said)


@pytest.mark.parametrize("first", ["1,2", "0.5,-1e3", "5,4"])
def test_a_first_line_of_numbers_is_not_lost(run, tmp_path, first):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text(f"{first}\n3,4\n5,7\n")
    code, _, error = run("fit", "data", "-k", "1")
    assert code == 2
    said = (
        f"the first line of data/x.csv, {first.replace(',', ', ')}, holds numbers; give each file of CSV a first line"
    )
    assert error.splitlines()[-1] == f"Error: {said} with the names of its columns"
    with pytest.raises(ValueError, match="holds numbers"):
        fastgmm.fit("data", 1)


def test_names_that_pandas_gives_are_names(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "x.csv").write_text("0,1\n" + "".join(f"{a:.6f},{b:.6f}\n" for a, b in X[:100]))
    code, _, error = run("fit", "data", "-k", "1")
    assert code == 0, error
    assert "Note: the first line of the files of data, 0, 1, is taken for names" in error


def test_numbers_name_columns_of_parquet(run, tmp_path):
    (tmp_path / "data").mkdir()
    parquet.write_table(pa.table({"0": X[:100, 0], "1": X[:100, 1]}), tmp_path / "data" / "x.parquet")
    code, _, error = run("fit", "data", "-k", "1")
    assert (code, "Note" in error) == (0, False), error
