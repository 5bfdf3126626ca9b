"""Files that are read in each round: Parquet, Feather and CSV through pyarrow, and streams of other engines."""

import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm.shell import commands

pa = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
csv, feather, parquet = (pytest.importorskip(f"pyarrow.{name}") for name in ("csv", "feather", "parquet"))

X, START = make_problem(3000, 2, 3)
TABLE = pa.table({"a": X[:, 0], "t": np.where(X[:, 0] > 0, "up", "down"), "b": X[:, 1]})
OPTIONS = {"init": START, "max_iter": 3, "tol": 0.0, "columns": ["a", "b"]}
WRITE = {"parquet": parquet.write_table, "feather": feather.write_feather, "csv": csv.write_csv}


@pytest.fixture
def files(tmp_path):
    """Write the rows into three files of a format, the second without rows; return their directory."""

    def write(suffix):
        for number, part in enumerate((TABLE.slice(0, 1000), TABLE.slice(0, 0), TABLE.slice(1000))):
            WRITE[suffix](part, tmp_path / f"part-{number}.{suffix}")
        return tmp_path

    return write


@pytest.fixture
def whole():
    return fastgmm.fit(TABLE, 3, **OPTIONS)


@pytest.mark.parametrize("suffix", sorted(WRITE))
def test_a_directory_a_pattern_a_file_and_a_dataset(files, whole, suffix):
    directory = files(suffix)
    (directory / "_SUCCESS").touch()
    sources = [
        directory,
        str(directory / f"*.{suffix}"),
        dataset.dataset(sorted(directory.glob("p*")), format=suffix),
    ]
    for source in sources[: 2 if suffix == "csv" else 3]:
        result = fastgmm.fit(source, 3, **OPTIONS)
        assert_same_bits(result.mixture, whole.mixture)
        assert result.log_likelihood == whole.log_likelihood
        assert result.mixture.feature_names == ("a", "b")
    single = fastgmm.fit(directory / f"part-2.{suffix}", 3, **OPTIONS)
    assert_same_bits(single.mixture, fastgmm.fit(TABLE.slice(1000), 3, **OPTIONS).mixture)


def test_all_columns_of_numbers_unless_some_are_named(tmp_path):
    parquet.write_table(TABLE.select(["b", "a"]), tmp_path / "x.parquet")
    assert fastgmm.fit(tmp_path, 2, max_iter=1).mixture.feature_names == ("b", "a")
    named = fastgmm.Mixture(*START.parameters[:3], feature_names=["a", "b"])
    assert_same_bits(fastgmm.fit(tmp_path, 3, init=named).mixture, fastgmm.fit(TABLE, 3, init=named).mixture)
    with pytest.raises(ValueError, match=r"columns must be those of the mixture in init, \['a', 'b'\], got \['b'\]"):
        fastgmm.fit(tmp_path, 3, init=named, columns=["b"])


def test_numbers_in_csv_are_numbers_whatever_the_first_rows_look_like(tmp_path):
    values = np.arange(200_000) % 1000 / 1.0
    values[-1] = 0.5
    text = "x\n" + "\n".join(f"{value:g}" for value in values)
    (tmp_path / "x.csv").write_text(text)
    assert_same_bits(fastgmm.fit(tmp_path / "x.csv", 2).mixture, fastgmm.fit(values, 2).mixture)


def test_a_fault_is_named_by_file_and_row(tmp_path):
    bad = TABLE.set_column(0, "a", [np.where(np.arange(3000) == 1234, np.nan, X[:, 0])])
    parquet.write_table(TABLE, tmp_path / "p0.parquet")
    parquet.write_table(bad, tmp_path / "p1.parquet", row_group_size=500)
    with pytest.raises(ValueError, match=r"p1\.parquet: NaN or infinite in row 1234 .* of column 'a'"):
        fastgmm.fit(tmp_path, 3, **OPTIONS)


def test_what_is_no_dataset_of_numbers_is_refused(tmp_path, files):
    directory = files("parquet")
    with pytest.raises(TypeError, match=r"has columns that hold no numbers, 't' \(string\); name others by columns="):
        fastgmm.fit(directory, 3)
    with pytest.raises(ValueError, match=r"has no column 'z'; its columns are 'a', 't', 'b'"):
        fastgmm.fit(directory, 3, columns=["z"])
    with pytest.raises(ValueError, match="has no column 'w'"):
        fastgmm.fit(directory, 3, sample_weight="w")
    (directory / "part-9.parquet").write_bytes(b"PAR1 not quite")
    with pytest.raises(ValueError, match=re.escape("part-9.parquet")):
        fastgmm.fit(directory, 3, **OPTIONS)
    (directory / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match=r"must be files of one format, .* got '\.csv', '\.parquet'"):
        fastgmm.fit(directory, 3)
    (tmp_path / "x.txt").write_text("1 2")
    with pytest.raises(ValueError, match=r"got '\.txt'"):
        fastgmm.fit(tmp_path / "x.txt", 3)


def test_duckdb_hands_over_a_stream(whole):
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    connection.register("rows", TABLE)
    result = fastgmm.fit(lambda: connection.sql("SELECT a, b FROM rows").to_arrow_reader(500), 3, **OPTIONS)
    assert_same_bits(result.mixture, whole.mixture)


def test_polars_hands_over_a_stream(whole, tmp_path):
    polars = pytest.importorskip("polars")
    parquet.write_table(TABLE, tmp_path / "x.parquet")
    lazy = polars.scan_parquet(tmp_path / "x.parquet").select("a", "b")
    if not hasattr(lazy, "collect_batches"):
        pytest.skip("this polars has no batches")
    result = fastgmm.fit(lambda: lazy.collect_batches(chunk_size=500, maintain_order=True), 3, **OPTIONS)
    assert_same_bits(result.mixture, whole.mixture)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = commands.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_command_fits_and_labels_a_pattern(run, files, tmp_path):
    files("parquet")
    code, out, error = run("fit", "part-*.parquet", "-k", 3, "--out", "model")
    assert code == 0, error
    assert "columns of part-*.parquet left out, which hold no numbers: 't'" in error
    assert "model gets no pictures and no labels, which fastgmm predict writes" in error
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["model.json"]
    mixture = fastgmm.Mixture.load(tmp_path / "model" / "model.json")
    assert_same_bits(mixture, fastgmm.fit(TABLE, 3, columns=["a", "b"]).mixture)
    assert f"{len(X)} rows" in out
    for name in ("labels.parquet", "labels.csv"):
        code, out, error = run("predict", "model/model.json", "part-*.parquet", "--keep", "t", "--out", name)
        assert (code, out) == (0, f"3000 rows labelled in {name}\n"), error
        labels = parquet.read_table(name) if name.endswith("parquet") else csv.read_csv(name)
        assert labels.column_names == ["t", "row", "label", *(f"responsibility_{k}" for k in range(3))]
        assert labels["t"].to_pylist() == TABLE["t"].to_pylist()
        np.testing.assert_array_equal(labels["row"], np.arange(3000))
        np.testing.assert_array_equal(labels["label"], mixture.predict(X))
        np.testing.assert_allclose(labels["responsibility_0"], mixture.responsibilities(X)[:, 0], rtol=1e-12)


def test_labels_of_a_pattern_are_whole_or_not_there(run, files, tmp_path):
    files("parquet")
    assert run("fit", ".", "-k", 2, "--columns", "a,b", "--out", "model")[0] == 0
    bad = TABLE.set_column(0, "a", [np.where(np.arange(3000) == 7, np.inf, X[:, 0])])
    parquet.write_table(bad, "part-9.parquet")
    code, _, error = run("predict", "model/model.json", "part-*.parquet", "--out", "labels.parquet")
    assert code == 2
    assert "part-9.parquet: NaN or infinite in row 7" in error
    assert sorted(path.name for path in tmp_path.iterdir() if "labels" in path.name or path.name[0] == ".") == []


def test_a_file_of_labels_is_parquet_by_its_suffix(run, files):
    files("parquet")
    assert run("fit", "part-2.parquet", "-k", 2, "--columns", "a,b", "--out", "model", "--no-plots")[0] == 0
    assert run("predict", "model/model.json", "part-2.parquet", "--out", "labels.parquet")[0] == 0
    assert parquet.read_table("labels.parquet").num_rows == 2000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--missing", "drop"], "--missing drop is for a single file; part-*.parquet is a directory or a pattern"),
        (["--decimal", ","], "--decimal is for a single file of text; part-*.parquet is a directory or a pattern"),
        (["--columns", "t"], "column 't' of part-*.parquet holds no numbers (string); choose others with --columns"),
        (["--columns", "z"], "part-*.parquet has no column 'z'; its columns are 'a', 't', 'b'"),
        (["--weights", "t"], "--weights t: this column of part-*.parquet holds no numbers (string)"),
        (["--weights", "w"], "part-*.parquet has no column 'w'; its columns are 'a', 't', 'b'"),
    ],
)
def test_options_that_many_files_do_not_have(run, files, arguments, message):
    files("parquet")
    code, _, error = run("fit", "part-*.parquet", "-k", 2, *arguments)
    assert (code, error.splitlines()[-1]) == (2, f"Error: {message}")


def test_files_of_several_dtypes_and_columns_are_refused_by_name(tmp_path):
    narrow = TABLE.set_column(0, "a", [X[:, 0].astype(np.float32)])
    parquet.write_table(narrow, tmp_path / "p0.parquet")
    parquet.write_table(TABLE, tmp_path / "p1.parquet")
    with pytest.raises(ValueError, match=r"p1\.parquet has double in column 'a', but the first file float; convert"):
        fastgmm.fit(tmp_path, 3, **OPTIONS)
    whole = fastgmm.fit(pa.concat_tables([narrow.cast(TABLE.schema), TABLE]), 3, **OPTIONS)
    unified = dataset.dataset(sorted(tmp_path.glob("p*")), schema=TABLE.schema)
    assert_same_bits(fastgmm.fit(unified, 3, **OPTIONS).mixture, whole.mixture)
    parquet.write_table(narrow.select(["a", "t"]), tmp_path / "p1.parquet")
    with pytest.raises(ValueError, match=r"p1\.parquet has no column 'b'; its columns are 'a', 't'"):
        fastgmm.fit(tmp_path, 3, **OPTIONS)


def test_columns_that_paths_name_are_columns(tmp_path, whole):
    for number, part in enumerate((TABLE.slice(0, 1000), TABLE.slice(1000))):
        (tmp_path / f"day={number}").mkdir()
        parquet.write_table(part, tmp_path / f"day={number}" / "x.parquet")
    days = dataset.dataset(tmp_path, format="parquet", partitioning="hive")
    assert_same_bits(fastgmm.fit(days, 3, **OPTIONS).mixture, whole.mixture)
    assert fastgmm.fit(days, 1, columns=["a", "day"], max_iter=1).mixture.feature_names == ("a", "day")


def test_weights_are_a_column_of_numbers_which_may_be_a_feature_too(tmp_path):
    table = TABLE.append_column("w", [np.arange(3000.0)])
    parquet.write_table(table, tmp_path / "x.parquet")
    options = {"columns": ["a", "w"], "max_iter": 1}
    memory = fastgmm.fit(table, 1, sample_weight=np.arange(3000.0), **options)
    assert_same_bits(fastgmm.fit(tmp_path, 1, sample_weight="w", **options).mixture, memory.mixture)
    with pytest.raises(TypeError, match=r"weights must be numbers, but column 't' is string"):
        fastgmm.fit(tmp_path, 3, sample_weight="t", **OPTIONS)


@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
def test_a_file_that_is_not_what_its_suffix_says_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(ValueError, match=re.escape(name)) as caught:
        fastgmm.fit(tmp_path / name, 2)
    assert type(caught.value) is ValueError


def test_a_file_that_is_cut_short_is_named(tmp_path):
    for number in range(3):
        parquet.write_table(TABLE, tmp_path / f"p{number}.parquet")
    whole = (tmp_path / "p2.parquet").read_bytes()
    (tmp_path / "p2.parquet").write_bytes(whole[:300])
    with pytest.raises(ValueError, match=r"^\S*p2\.parquet: Could not open"):
        fastgmm.fit(tmp_path, 3, **OPTIONS)


def test_files_without_rows_have_no_labels(run, files, tmp_path):
    files("parquet")
    assert run("fit", ".", "-k", 2, "--columns", "a,b", "--out", "model")[0] == 0
    for number in (0, 2):
        (tmp_path / f"part-{number}.parquet").unlink()
    code, _, error = run("predict", "model/model.json", "part-*.parquet", "--out", "labels.csv")
    assert (code, error.splitlines()[-1]) == (2, "Error: part-*.parquet has no rows")
    assert not (tmp_path / "labels.csv").exists()


def test_a_place_is_named_once(run, files, tmp_path):
    (tmp_path / "data").mkdir()
    bad = TABLE.set_column(0, "a", [np.where(np.arange(3000) == 7, np.inf, X[:, 0])])
    parquet.write_table(bad, tmp_path / "data" / "x.parquet")
    code, _, error = run("fit", "data", "-k", 2)
    assert code == 2
    assert "Error: data/x.parquet: NaN or infinite in row 7" in error.replace(os.sep, "/")


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_ctrl_c_ends_the_command_and_leaves_nothing(files, tmp_path):
    directory = files("parquet")
    command = [
        sys.executable,
        "-m",
        "fastgmm",
        "fit",
        str(directory),
        "-k",
        "3",
        "--columns",
        "a,b",
        "--out",
        "model",
    ]
    rounds = ["--tol", "0", "--max-iter", "100000000"]
    process = subprocess.Popen(
        command + rounds, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    for line in process.stderr:
        if line == "iterations\n":
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted; nothing is written. Highest iterations:" in out
    assert not [path.name for path in tmp_path.iterdir() if not path.name.startswith("part-")]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs a list of the files that a process has open")
@pytest.mark.parametrize("suffix", sorted(WRITE))
def test_a_pass_that_breaks_off_leaves_no_file_open(tmp_path, suffix):
    values = np.arange(300_000.0)
    values[7] = np.nan
    for number in range(4):
        WRITE[suffix](pa.table({"a": values}), tmp_path / f"{number}.{suffix}")
    with pytest.raises(ValueError, match="row 7") as error:
        fastgmm.fit(tmp_path, 2)
    # Arrow's own threads end a moment later; the traceback is still there.
    patience = time.monotonic() + 5.0
    while open_in(tmp_path) and time.monotonic() < patience:
        time.sleep(0.01)
    assert open_in(tmp_path) == []
    assert error.tb is not None


def open_in(directory):
    """Return the files of a directory that this process has open."""
    found = []
    for entry in os.scandir("/proc/self/fd"):
        try:
            found.append(os.readlink(entry.path))
        except OSError:  # that of the list itself
            continue
    return [path for path in found if path.startswith(str(directory))]
