"""The command: what it prints, what it writes, and one line with exit code 2 for whatever is wrong."""

import csv
import ctypes
import errno
import os
import re
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

import fastgmm
from fastgmm import Mixture, api, warm_up
from fastgmm._numba import cache
from fastgmm.rows.source import EM, Underway
from fastgmm.shell import application, commands, files, interrupt, stages, warmup

FILES = {"model.json", "labels.csv"}
PICTURES = {"data.png", "clusters.png", "log_likelihood.png", "responsibilities.png"}
NAMES = ("width [cm]", "height")
STAGES = r"(?m)^(reading .*|start|compiling.*|iterations|writing .*)\n"


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Run the command inside an empty directory; return exit code, standard output and error without stages."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = commands.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, re.sub(STAGES, "", captured.err)

    return run


@pytest.fixture
def rows():
    generator = np.random.default_rng(0)
    return np.concatenate([generator.normal(0, 1, (20, 2)), generator.normal(9, 1, (10, 2))])


@pytest.fixture
def table(tmp_path, rows):
    path = tmp_path / "table.csv"
    np.savetxt(path, rows, delimiter=",", header=",".join(NAMES), comments="")
    return path


@pytest.fixture
def model(run, table, tmp_path):
    code, _, error = run("fit", table, "-k", 2, "--n-init", 1, "--out", tmp_path / "model", "--no-plots")
    assert (code, error) == (0, "")
    return tmp_path / "model" / "model.json"


def names_in(directory):
    return {path.name for path in directory.iterdir()}


def read_labels(path):
    with path.open(newline="") as file:
        header, *lines = csv.reader(file)
    return header, np.array(lines, dtype=float)


# ---- fit --------------------------------------------------------------------------------------------------


def test_the_printed_table(run, table, rows):
    code, out, error = run("fit", table, "-k", 2, "--n-init", 1)
    assert (code, error) == (0, "")
    result = fastgmm.fit(rows, 2, random_state=0)
    p = result.mixture
    for component in range(2):
        assert f"{p.weights[component]:.4f}" in out
        for value in (*p.means[component], *p.covariances[component].ravel()):
            assert f"{value:.6g}" in out
    for name in NAMES:
        assert name in out
    out, times = out.split("seconds")
    words = dict(line.split()[:2] for line in out.splitlines() if len(line.split()) > 1)
    assert float(words["log-likelihood"]) == pytest.approx(result.log_likelihood, abs=1e-4)
    assert float(words["BIC"]) == pytest.approx(p.bic(rows), abs=1e-4)
    assert float(words["AIC"]) == pytest.approx(p.aic(rows), abs=1e-4)
    assert int(words["iterations"]) == result.n_iter
    assert words["converged"] == "yes"
    total, *stages_of = (line.split() for line in times.splitlines() if line.strip())
    assert [name for name, _ in stages_of if name != "compiling"] == ["importing", "reading", "start", "iterations"]
    assert float(total[0]) == pytest.approx(sum(float(seconds) for _, seconds in stages_of), abs=0.003)


def test_nothing_is_written_without_out(run, table, tmp_path):
    assert run("fit", table, "-k", 1)[0] == 0
    assert names_in(tmp_path) == {table.name}


@pytest.mark.parametrize("d", [1, 2, 3, 8, 30])
def test_a_piped_table_is_plain_and_fits_80_columns(run, tmp_path, d):
    names = [f"{i} is a column with a rather long name, no. {i}" for i in range(d)]
    columns = -1e7 * np.random.default_rng(0).normal(size=(d, 30))
    parquet.write_table(pa.table(dict(zip(names, columns, strict=True))), tmp_path / "x.parquet")
    code, out, error = run("fit", "x.parquet", "-k", 2, "--covariance-type", "diag")
    assert (code, error) == (0, "")
    assert "\x1b" not in out
    assert "…" not in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    assert all(f"{i} is a" in out and f"no. {i}" in out for i in range(min(d, 19)))


def test_of_more_than_two_features_the_mixture_is_printed(run, tmp_path):
    X = np.random.default_rng(0).normal(size=(30, 3))
    np.save(tmp_path / "x.npy", X)
    _, out, _ = run("fit", "x.npy", "-k", 1)
    assert str(fastgmm.fit(X, 1).mixture) in out
    assert "covariance with" not in out


def test_a_fit_that_does_not_converge_says_so(run, table):
    _, out, _ = run("fit", table, "-k", 2, "--max-iter", 1, "--init", "random")
    assert "no (max_iter)" in out


@pytest.mark.parametrize("exists", [False, True])
def test_outputs(run, table, rows, tmp_path, exists):
    directory = tmp_path / "new" / "results"
    if exists:
        directory.mkdir(parents=True)
        (directory / "notes.txt").write_text("keep me")
        (directory / "model.json").write_text("old")
    code, out, error = run("fit", table, "-k", 2, "--n-init", 1, "--out", "new/results")
    assert (code, error) == (0, "")
    assert "new/results" in out
    assert names_in(directory) == FILES | PICTURES | ({"notes.txt"} if exists else set())
    assert names_in(tmp_path) == {table.name, "new"}
    assert names_in(tmp_path / "new") == {"results"}
    assert all((directory / name).read_bytes().startswith(b"\x89PNG") for name in PICTURES)

    parameters = Mixture.load(directory / "model.json")
    assert parameters.feature_names == NAMES
    header, labels = read_labels(directory / "labels.csv")
    assert header == ["row", "label", "responsibility_0", "responsibility_1"]
    np.testing.assert_array_equal(labels[:, 0], np.arange(30))
    np.testing.assert_array_equal(labels[:, 1], parameters.predict(rows))
    np.testing.assert_array_equal(labels[:, 2:], parameters.responsibilities(rows))


def test_an_output_directory_has_the_usual_permissions(model, tmp_path):
    (tmp_path / "usual").mkdir()
    assert model.parent.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_out_may_be_the_current_directory_or_a_link(run, table, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to("target")
    for out in (".", "link"):
        assert run("fit", table, "-k", 1, "--no-plots", "--out", out)[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert names_in(tmp_path / "target") == FILES
    assert names_in(tmp_path) == FILES | {table.name, "target", "link"}


@pytest.mark.compiled
@pytest.mark.parametrize(("name", "k"), [("geyser", 2), ("fourclusters", 4), ("timeseries", 3)])
def test_examples(run, name, k):
    code, out, error = run("fit", "--example", name, "-k", k)
    assert (code, error) == (0, "")
    assert all(column in out for column in fastgmm.data.load_example(name)[1])


def test_options_reach_the_fit(run, table, rows, tmp_path):
    run("fit", table, "-k", 2, "--init", "random", "--n-init", 2, "--random-state", 3, "--tol", 1e-9, "--max-iter", 7,
        "--reg-covar", 0.5, "--covariance-type", "full", "--threads", 1, "--no-plots", "--out", "x")  # fmt: skip
    expected = fastgmm.fit(
        rows, 2, init="random", n_init=2, random_state=3, tol=1e-9, max_iter=7, reg_covar=0.5
    ).mixture
    np.testing.assert_array_equal(Mixture.load(tmp_path / "x/model.json").means, expected.means)


def test_columns_are_chosen_by_name(run, table, rows, tmp_path):
    run("fit", table, "-k", 1, "--columns", "height", "--columns", NAMES[0], "--no-plots", "--out", "x")
    parameters = Mixture.load(tmp_path / "x/model.json")
    assert parameters.feature_names == NAMES[::-1]
    np.testing.assert_allclose(parameters.means[0], rows.mean(axis=0)[::-1])


def test_a_model_is_a_start(run, model, rows, tmp_path):
    swapped = tmp_path / "swapped.csv"
    np.savetxt(swapped, rows[:, ::-1], delimiter=",", header=",".join(NAMES[::-1]), comments="")
    code, _, error = run("fit", swapped, "--init", model, "--max-iter", 1, "--no-plots", "--out", "x")
    assert (code, error) == (0, "")
    start = Mixture.load(model)
    again = Mixture.load(tmp_path / "x/model.json")
    assert again.feature_names == NAMES
    expected = fastgmm.fit(rows, 2, init=start, max_iter=1).mixture
    np.testing.assert_array_equal(again.means, expected.means)
    fastgmm.fit(rows, 2, covariance_type="diag", random_state=0).mixture.save(tmp_path / "diagonal.json")
    code, _, error = run("fit", swapped, "--init", tmp_path / "diagonal.json", "--max-iter", 1)
    assert (code, error) == (0, "")


# ---- which K ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_a_range_of_components(run, table, rows, tmp_path, criterion):
    arguments = (
        "-k",
        "1-3",
        "--covariance-type",
        "full",
        "--covariance-type",
        "tied",
        "--n-init",
        2,
        "--criterion",
        criterion,
    )
    code, out, error = run("fit", table, *arguments, "--out", "x")
    assert (code, error) == (0, "")
    selection = fastgmm.select(rows, (1, 2, 3), ("full", "tied"), criterion=criterion, n_init=2, random_state=0)
    lines = [line.split() for line in out.splitlines()]
    printed = [line[:6] for line in lines if line[-1:] == ["converged"] and line[0] in "123"]
    expected = [
        [str(c.n_components), c.covariance_type, str(c.n_free)]
        + [f"{value:.2f}" for value in (c.log_likelihood, c.bic, c.aic)]
        for c in selection.candidates
    ]
    assert printed == expected
    assert f"Best first, by {criterion.upper()}" in out
    assert f"{selection.candidates[0].bic:.4f}" in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    assert names_in(tmp_path / "x") == FILES | PICTURES | {f"{criterion}.png", "candidates.csv"}
    parameters = Mixture.load(tmp_path / "x/model.json")
    assert parameters.feature_names == NAMES
    np.testing.assert_array_equal(parameters.covariances, selection.best.mixture.covariances)
    _, labels = read_labels(tmp_path / "x/labels.csv")
    np.testing.assert_array_equal(labels[:, 1], parameters.predict(rows))


def test_all_structures_are_fitted_and_the_best_ten_printed(run, table, rows, tmp_path):
    arguments = ("-k", "1-2", "--structures", "all", "--criterion", "icl", "--out", "x")
    code, out, error = run("fit", table, *arguments)
    assert (code, error) == (0, "")
    selection = fastgmm.select(rows, (1, 2), "all", criterion="icl")
    assert len(selection.candidates) == 17
    printed = [line.split() for line in out.splitlines() if line.split()[-1:] == ["converged"] and line[0] in "12"]
    assert [line[1] for line in printed] == [each.covariance_type for each in selection.candidates[:10]]
    assert [line[5] for line in printed] == [f"{each.icl:.2f}" for each in selection.candidates[:10]]
    assert "Not shown: 7 more candidates." in out
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 80
    written = pd.read_csv(tmp_path / "x/candidates.csv")
    np.testing.assert_array_equal(written.icl, selection.table()["icl"])
    assert "icl.png" in names_in(tmp_path / "x")
    code, _, error = run("fit", table, "-k", 2, "--covariance-type", "all,full")
    assert code == 2
    assert "'all' is not one of" in " ".join(error.split())


def test_all_structures_of_one_feature_are_two(run, table):
    code, out, _ = run("fit", table, "--columns", "height", "-k", 2, "--covariance-type", "all")
    assert code == 0
    assert sorted(re.findall(r"(?m)^2  (\w+) .* converged", out)) == ["EII", "spherical"]
    code, out, _ = run("fit", table, "--columns", "height", "-k", 2, "--covariance-type", "V")
    assert code == 0
    code, _, error = run("fit", table, "-k", 2, "--covariance-type", "V")
    assert code == 2
    assert "covariance_type 'V' is for one feature, got 2" in error


def test_one_structure_of_several_is_selected_too(run, table, tmp_path):
    arguments = ("--covariance-type", "diag, spherical", "--out", "x")
    assert run("fit", table, "-k", 2, *arguments)[0] == 0
    assert "bic.png" in names_in(tmp_path / "x")


def test_a_range_of_one_is_one_fit(run, table, tmp_path):
    (code, *printed), again = (run("fit", table, "-k", k, "--n-init", 1, "--out", "x") for k in ("2", "2-2"))
    assert code == 0
    assert names_in(tmp_path / "x") == FILES | PICTURES
    without_time = [out[: out.index("seconds")] for out in (printed[0], again[1])]
    assert without_time[0] == without_time[1]


def test_fits_that_fail_are_in_the_table(run, tmp_path):
    cloud = np.random.default_rng(0).normal(size=(40, 2))
    np.save(tmp_path / "x.npy", np.concatenate([cloud, np.full((20, 2), 9.0)]))
    code, out, error = run("fit", "x.npy", "-k", "1-3", "--reg-covar", 0, "--n-init", 2)
    assert (code, error) == (0, "")
    assert [line.split()[0] for line in out.splitlines() if line.rstrip().endswith("no fit")] == ["2", "3"]
    assert "K=2 full, K=3 full: all 2 starts failed" in " ".join(out.split())
    code, out, error = run("fit", "x.npy", "-k", "2-3", "--reg-covar", 0, "--n-init", 2)
    assert (code, out) == (2, "")
    assert error.startswith(
        "Error: x.npy: all 2 fits failed; the last: n_components=3, covariance_type='full': all 2"
    )


def test_degenerate_components_are_in_the_table(run, tmp_path):
    np.save(tmp_path / "x.npy", np.array([0.0] * 12 + list(np.linspace(5.0, 9.0, 12))))
    code, out, error = run("fit", "x.npy", "-k", "1-2")
    assert (code, error) == (0, "")
    assert out.count("degenerate") == 2
    assert re.search(r"K=2 full: degenerate components: \d", " ".join(out.split()))


# ---- predict ----------------------------------------------------------------------------------------------


def test_predict_chooses_columns_by_name(run, model, rows, tmp_path):
    columns = {"height": rows[:, 1], "who": ["x"] * len(rows), NAMES[0]: rows[:, 0]}
    parquet.write_table(pa.table(columns), tmp_path / "x.parquet")
    code, out, error = run("predict", model, "x.parquet", "--out", "new/labels.csv")
    assert (code, error) == (0, "")
    assert "30 rows labelled in new/labels.csv" in out
    assert (tmp_path / "new/labels.csv").read_bytes() == (model.parent / "labels.csv").read_bytes()
    assert names_in(tmp_path / "new") == {"labels.csv"}


def test_predict_never_chooses_by_position(run, model, rows, tmp_path):
    np.save(tmp_path / "x.npy", rows)
    code, _, error = run("predict", model, "x.npy", "--out", "labels.csv")
    assert code == 2
    assert "does not name its columns" in error
    assert not (tmp_path / "labels.csv").exists()


@pytest.mark.parametrize("options", [(), ("--covariance-type", "diag,tied")])
def test_rows_with_missing_values_are_fitted_and_labelled(run, rows, tmp_path, options):
    gaps = rows.copy()
    gaps[[3, 25], [0, 1]] = np.nan
    gaps[7] = np.nan
    pd.DataFrame(gaps, columns=NAMES).to_csv(tmp_path / "gaps.csv", index_label="id")
    one = ("--columns", ",".join(NAMES), "--missing", "marginal")
    code, _, error = run("fit", "gaps.csv", "-k", 2, *one, *options, "--out", "x")
    assert code == 0
    assert error.splitlines() == [
        "Note: 1 of 30 rows of gaps.csv left out, in which all values are missing",
        "Note: data.png and clusters.png show the 27 rows of 29 in which no value is missing",
    ]
    used = np.delete(gaps, 7, axis=0)
    kinds = options[1].split(",") if options else "full"
    mixture = fastgmm.select(used, 2, kinds, missing="marginal").best.mixture
    fitted = Mixture.load(tmp_path / "x/model.json")
    np.testing.assert_array_equal(fitted.means, mixture.means)
    labels = pd.read_csv(tmp_path / "x/labels.csv")
    assert labels.label.isna().tolist() == [row == 7 for row in range(30)]
    expected = mixture.responsibilities(used, missing="marginal")
    np.testing.assert_array_equal(labels.dropna()[["responsibility_0", "responsibility_1"]], expected)
    arguments = ("x/model.json", "gaps.csv", "--keep", "id", "--impute", "--missing", "marginal", "--out", "y.csv")
    code, _, error = run("predict", *arguments)
    assert code == 0, error
    whole = pd.read_csv("y.csv")
    assert whole.columns.tolist() == ["id", *NAMES, "row", "label", "responsibility_0", "responsibility_1"]
    np.testing.assert_array_equal(whole.drop(index=7)[list(NAMES)], mixture.impute(used))
    assert whole.loc[7, list(NAMES)].isna().all()
    code, _, error = run("predict", *arguments[:2], "--keep", "all", *arguments[4:])
    assert (code, error) == (
        2,
        "Note: 1 of 30 rows of gaps.csv left out, in which all values are missing\n"
        f"Error: --keep names a column {NAMES[0]!r}, which --impute writes itself; keep others by name\n",
    )
    code, _, error = run("predict", *arguments[:5], "--out", "y.csv")
    assert (code, error) == (2, "Error: --impute is for --missing marginal, got --missing refuse\n")


def test_where_no_row_is_whole_no_picture_shows_rows(run, tmp_path):
    gaps = np.full((40, 2), np.nan)
    gaps[np.arange(40), np.arange(40) % 2] = np.random.default_rng(0).normal(size=40)
    np.save(tmp_path / "x.npy", gaps)
    code, _, error = run("fit", "x.npy", "-k", 1, "--missing", "marginal", "--covariance-type", "diag", "--out", "x")
    assert code == 0
    assert "show the 0 rows of 40" in error
    assert names_in(tmp_path / "x") == FILES | PICTURES - {"data.png", "clusters.png"}


def test_predict_with_a_model_without_names(run, rows, tmp_path):
    np.save(tmp_path / "x.npy", rows)
    assert run("fit", "x.npy", "-k", 2, "--no-plots", "--out", "m")[0] == 0
    np.savetxt(tmp_path / "x.csv", rows, delimiter=",", header="p,q", comments="")
    assert run("predict", "m/model.json", "x.csv", "--out", "labels.csv")[0] == 0
    assert (tmp_path / "labels.csv").read_bytes() == (tmp_path / "m/labels.csv").read_bytes()
    assert run("predict", "m/model.json", "x.csv", "--columns", "p", "--out", "labels.csv") == (
        2,
        "",
        "Error: x.csv has 1 features, but the model has 2\n",
    )


# ---- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("fit nowhere.csv -k 2", "nowhere.csv: no such file"),
        ("fit empty.csv -k 2", "empty.csv is empty"),
        ("fit table.csv -k 2 --columns depth", "table.csv has no column 'depth'; its columns are 'width [cm]', 'he"),
        ("fit text.csv -k 1 --columns a,b", "text.csv, line 2, column 'b': 'x' is not a number"),
        ("fit holes.csv -k 1", "holes.csv, line 3, column 'a': a value is missing; --missing drop leaves such rows"),
        ("fit holes.csv -k 1 --missing drop", "holes.csv, line 4, column 'b': inf is not finite"),
        ("fit holes.csv -k 1 --missing marginal", "holes.csv, line 4, column 'b': inf is not finite"),
        ("fit bare.csv -k 1 --missing marginal", "bare.csv: column 'b' has no value; leave it out by --columns"),
        ("fit holes.csv -k 1 --missing skip", "'--missing': 'skip' is not one of refuse, drop, marginal"),
        ("fit table.csv -k 1 --header maybe", "'--header': 'maybe' is not one of yes, no"),
        ("fit table.csv -k 1 --separator ab", "'--separator': it must be one character such as , or ; or the word"),
        ("fit table.csv -k 1 --thousands 5", "'--thousands': it must be one character such as , or ; or the word"),
        ("fit table.csv -k 1 --encoding base64", "'--encoding': 'base64' is not an encoding such as utf-8"),
        ("fit table.csv -k 1 --separator €", "'--separator': it must be an ASCII character, got '€'"),
        ("fit table.csv -k 1 --tol inf", "'--tol': it must be finite, got inf"),
        ("fit table.csv -k 1 --covariance-type full,round", "'--structures': 'round' is not one of full"),
        ("fit table.csv -k 1 --covariance-type full,full", "no value may be given twice, got full, full"),
        ("fit table.csv -k 1 --out=", "'--out': it must be a path, got ''"),
        ("predict model/model.json table.csv --out=", "'--out': it must be a path, got ''"),
        ("fit table.csv -k 1 --decimal ;", "'--decimal': ';' is not one of ., ,"),
        ("fit table.csv -k 1 --encoding klingon", "'--encoding': 'klingon' is not an encoding such as utf-8"),
        ("fit table.csv -k 1 --keep height", "--keep names 'height', a column of numbers; say with --columns which"),
        ("fit table.csv -k 1 --columns height --keep depth", "table.csv has no column 'depth'; its columns are"),
        ("fit labels.csv -k 1 --keep all", "--keep names a column 'label', which labels have themselves"),
        ("fit twice.csv -k 1", "twice.csv has 2 columns named 'a'; names must differ"),
        ("fit table.csv -k 31", "table.csv: n_components must be at most the number of rows, 30, got 31"),
        ("fit table.csv -k 0", "Invalid value for '-k' / '--n-components': it must be at least 1, got 0"),
        ("fit table.csv -k two", "Invalid value for '-k' / '--n-components'"),
        ("fit table.csv -k 0-3", "'-k' / '--n-components': it must be at least 1, got 0-3"),
        ("fit table.csv -k 5-2", "'-k' / '--n-components': a range must not end before it begins, got 5-2"),
        ("fit table.csv -k a-b", "it must be a number such as 3 or a range such as 1-8, got 'a-b'"),
        ("fit table.csv -k 3-", "it must be a number such as 3 or a range such as 1-8, got '3-'"),
        ("fit table.csv -k 1-8-9", "it must be a number such as 3 or a range such as 1-8, got '1-8-9'"),
        ("fit table.csv -k 1-31", "table.csv: n_components must be at most the number of rows, 30, got 31"),
        (
            "fit table.csv -k 1-8 --init model/model.json",
            "-k is 1-8, but the model model/model.json has 2 components",
        ),
        (
            "fit table.csv --init model/model.json --covariance-type full --covariance-type tied",
            "--covariance-type is full, tied, but the model model/model.json is full",
        ),
        (
            "fit table.csv --init model/model.json --covariance-type diag",
            "--covariance-type is diag, but the model model/model.json is full",
        ),
        ("fit table.csv -k 1-8 --criterion ebic", "'--criterion': 'ebic' is not one of bic, aic, icl"),
        (
            "fit table.csv -k 2 --covariance-type diag --covariance-type diag",
            "no value may be given twice, got diag, diag",
        ),
        ("fit table.csv", "-k is missing: give the number of components"),
        ("fit -k 2", "give the path of a data file or --example NAME, one of the two"),
        ("fit table.csv --example geyser -k 2", "give the path of a data file or --example NAME, one of the two"),
        ("fit --example iris -k 2", "'--example': 'iris' is not one of geyser, fourclusters, timeseries"),
        ("fit table.csv -k 2 --covariance-type round", "'--structures': 'round' is not one of full"),
        ("fit table.csv -k 2 --init fast", "--init 'fast' is neither one of kmeans, k-means++, random, random_from"),
        ("fit table.csv -k 2 --init text.csv", "text.csv is not a fastgmm model"),
        ("fit table.csv -k 3 --init model/model.json", "-k is 3, but the model model/model.json has 2 components"),
        ("fit table.csv --init model/model.json --columns height", "--columns must be left out or name the columns"),
        ("fit table.csv -k 2 --n-init 0", "'--n-init': it must be at least 1, got 0"),
        ("fit table.csv -k 2 --random-state -1", "'--random-state': it must be at least 0, got -1"),
        ("fit table.csv -k 2 --tol nan", "'--tol': it must be at least 0, got nan"),
        ("fit table.csv -k 2 --reg-covar inf", "'--reg-covar': it must be finite, got inf"),
        ("fit table.csv -k 2 --threads 0", "'--threads': it must be at least 1, got 0"),
        ("fit table.csv -k 2 --fast", "No such option: --fast"),
        ("fit table.csv -k 2 --out table.csv", "--out table.csv is a file; it must be a directory"),
        ("fit table.csv -k 2 --out table.csv/a/b", "--out table.csv/a/b cannot be written (Not a directory)"),
        ("fit table.csv -k 2 --out clash", "--out clash/labels.csv is a directory; it must be a file"),
        ("predict model/model.json nowhere.csv --out x.csv", "nowhere.csv: no such file"),
        ("predict nowhere.json table.csv --out x.csv", "nowhere.json: No such file or directory"),
        ("predict text.csv table.csv --out x.csv", "text.csv is not a fastgmm model"),
        (
            "predict model table.csv --out x.csv",
            "model is a directory; a model is a file, the model.json in what a fit",
        ),
        (
            "predict model/model.json model --out x.csv",
            "model/labels.csv is what a fit has written, beside model.json",
        ),
        ("fit model -k 2", "model/labels.csv is what a fit has written, beside model.json; give a directory"),
        ("fit chosen -k 2", "chosen/candidates.csv is what a fit has written, beside model.json"),
        ("predict model/model.json text.csv --out x.csv", "text.csv has no column 'width [cm]'; its columns are"),
        ("predict model/model.json table.csv --header no --out x.csv", "table.csv does not name its columns"),
        ("predict model/model.json table.csv --out model", "--out model is not a regular file"),
        ("predict model/model.json table.csv --out table.csv/x.csv", "--out table.csv/x.csv cannot be written"),
        ("predict model/model.json table.csv", "Missing option '--out'"),
        ("guess", "No such command 'guess'"),
    ],
)
def test_bad_input_is_one_line_and_code_2(run, table, model, tmp_path, arguments, message):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "text.csv").write_text("a,b\n1,x\n")
    (tmp_path / "holes.csv").write_text("a,b\n1,2\n,5\n3,inf\n")
    (tmp_path / "bare.csv").write_text("a,b\n1,\n2,\n4,\n")
    (tmp_path / "labels.csv").write_text("a,label\n1,2\n")
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    (tmp_path / "clash" / "labels.csv").mkdir(parents=True)
    (tmp_path / "chosen").mkdir()
    (tmp_path / "chosen" / "model.json").write_text("{}")
    (tmp_path / "chosen" / "candidates.csv").write_text("a,b\n1\n")  # what no reader would take for a table
    before = sorted(tmp_path.rglob("*"))
    code, out, error = run(*arguments.split())
    assert (code, out) == (2, "")
    assert error.startswith("Error: ")
    assert message in error
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(("failure", "code"), [(ValueError("too bad"), 2), (KeyboardInterrupt(), 130)])
@pytest.mark.parametrize("culprit", [(api, "fit"), (files, "write_labels")])
def test_a_failed_run_leaves_the_old_directory_as_it_was(run, table, model, monkeypatch, failure, code, culprit):
    before = {path: path.read_bytes() for path in model.parent.iterdir()}
    (model.parent.parent / "labels.csv").write_text("old")

    def fail(*args, **kwargs):
        assert len(names_in(model.parent)) == len(before) + 1  # the run was under way, in a scratch directory
        raise failure

    monkeypatch.setattr(*culprit, fail)
    status, out, error = run("fit", table, "-k", 1, "--out", "model")
    assert status == code
    # What was reached before Ctrl-C is printed, if anything was.
    assert ("Interrupted; nothing is written" in out) == (code == 130 and culprit != (api, "fit"))
    assert ("before the first iteration" in error) == (code == 130 and culprit == (api, "fit"))
    assert (out == "") == (code == 2 or culprit == (api, "fit"))
    assert {path: path.read_bytes() for path in model.parent.iterdir()} == before


def test_a_failed_prediction_leaves_the_old_file_as_it_was(run, table, model, monkeypatch, tmp_path):
    (tmp_path / "labels.csv").write_text("old")

    def fail(path, *arguments, **options):
        path.write_text("half")
        raise OSError("disk full")

    monkeypatch.setattr(files, "write_labels", fail)
    assert run("predict", model, table, "--out", "labels.csv") == (2, "", "Error: disk full\n")
    assert (tmp_path / "labels.csv").read_text() == "old"
    assert names_in(tmp_path) == {"table.csv", "labels.csv", "model"}


def test_failed_restarts_are_counted_in_the_table(run, tmp_path):
    # From some random starts a component collapses onto the repeated value.
    rows = np.array([0.0] * 8 + [0.1, 5.0, 9.0])
    np.save(tmp_path / "x.npy", rows)
    with pytest.warns(RuntimeWarning, match="starts failed"):
        failed = fastgmm.fit(rows, 3, init="random", n_init=20, reg_covar=0, random_state=0).n_failed
    arguments = ("--init", "random", "--n-init", 20, "--reg-covar", 0)
    code, out, error = run("fit", "x.npy", "-k", 3, *arguments)
    assert (code, error) == (0, "")
    assert f"failed starts {failed}" in " ".join(out.split())


# ---- the terminal -----------------------------------------------------------------------------------------


def state_of(iteration):
    parameters = fastgmm.fit(np.arange(9.0), 3, max_iter=0, random_state=0).mixture.parameters
    return fastgmm.IterationState(1, iteration, -2.5, 1e-4, parameters)


def test_a_terminal_shows_the_stage_that_runs(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes standard error for a terminal
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(stages, "DELAY", 0)
    running = stages.Stages(n_init=3, max_iter=50)
    with running.shown():
        for thread in threading.enumerate():
            if isinstance(thread, threading.Timer):  # unless it is over
                thread.join()
        texts = []
        for enter in (lambda: running.enter("start"), lambda: running.round_done(state_of(17))):
            enter()
            texts.append(running._status.renderable.text.plain)
        running.leave()
    assert texts == ["start", "K=3 full, start 2/3, iteration 17/50, -2.500000 nats/row, change 1.0e-04"]
    assert "start" in capsys.readouterr().err


def test_a_short_fit_shows_nothing_in_a_terminal(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(stages, "DELAY", 1000)
    running = stages.Stages(n_init=1, max_iter=1)
    with running.shown(), running.stage("start"):
        running.round_done(state_of(1))
    assert capsys.readouterr().err == ""


def test_elsewhere_a_stage_is_a_line(capsys):
    running = stages.Stages(n_init=1, max_iter=9)
    with running.shown():
        with running.stage("reading", "x.csv"):
            pass
        with running.stage("start"):
            for stage in ("k-means", EM, "k-means", EM):
                running.underway(Underway(stage, 1, 0, 30))
                running.round_done(state_of(1))
    assert capsys.readouterr().err == "reading x.csv\nstart\niterations\n"


def test_time_is_that_of_the_innermost_stage(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(stages.time, "perf_counter", lambda: now[0])
    running = stages.Stages(n_init=1, max_iter=9)

    def after(seconds, call, *arguments):
        now[0] += seconds
        call(*arguments)

    after(0.0, running.enter, "start")
    after(1.0, running.enter, "compiling")
    after(2.0, running.leave)
    after(4.0, running.underway, Underway("k-means", 1, 30, 30))
    after(8.0, running.underway, Underway(EM, 1, 30, 30))
    after(16.0, running.round_done, state_of(1))
    after(32.0, running.leave)
    after(64.0, running.enter, "writing")
    after(128.0, running.leave)
    del running.seconds["importing"]
    assert running.seconds == {"start": 5.0, "compiling": 2.0, "iterations": 56.0, "writing": 128.0}


@pytest.mark.compiled
def test_compiling_is_told_apart(capsys):
    running = stages.Stages(n_init=1, max_iter=1)
    with running.shown(), running.stage("start"):
        assert numba.njit(lambda x: 2 * x)(4) == 8
        assert numba.njit(lambda x: 3 * x)(4) == 12
    assert re.fullmatch("start\ncompiling for this processor, once(: 10 to 30 s)?\n", capsys.readouterr().err)
    assert running.seconds["compiling"] > running.seconds["start"] > 0.0


def test_a_process_beside_imports_nothing_from_the_working_directory(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    with warmup._child("import numpy; sys.exit(sys.argv[1:] != ['a'])", "a") as running:
        assert running.wait() == 0


@pytest.mark.compiled
def test_a_warmup_says_what_it_is_at_and_where_it_lies(run, monkeypatch):
    monkeypatch.setattr(warm_up, "N_FEATURES", (2,))
    code, out, error = run("warmup", "--dtype", "float64,float32")
    assert code == 0
    assert sorted(error.splitlines()) == ["float64, full, D = 2 (1 of 1)"]
    said = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert set(said) - {"packs"} == {"cache", "files", "seconds"}
    assert all(str(place).startswith(said["cache"]) for place in cache.places())
    n_files, size = re.fullmatch(r"(\d+), ([\d.]+) MB", said["files"]).groups()
    assert int(n_files) > 10
    assert float(size) > 1.0


def test_a_warmup_takes_what_a_structure_has(run, monkeypatch):
    done = []
    monkeypatch.setattr(warmup, "walk", lambda *path: done.append(path))
    assert run("warmup", "--structure", "VEV,E,VVV,full")[0] == 0
    assert done == [
        *(("float64", "VEV", d) for d in (2, 4, 3)),
        *(("float64", name, d) for name in ("EII", "full") for d in (2, 4, 1, 3)),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--structure", "round"), "'round' is not one of full, tied, diag, spherical"),
        (("--dtype", "float16"), "'float16' is not one of float64, float32"),
        (("--dtype", "float32,float32"), "no value may be given twice, got float32, float32"),
    ],
)
def test_a_warmup_of_what_there_is_not(run, arguments, message):
    code, _, error = run("warmup", *arguments)
    assert code == 2
    assert message in error


def test_a_warmup_that_nobody_could_use_is_an_error(run, monkeypatch):
    monkeypatch.setattr(warmup, "places", lambda: [None])
    assert run("warmup") == (
        2,
        "",
        "Error: no place for the cache can be written; name a folder in the variable NUMBA_CACHE_DIR\n",
    )


def test_what_was_reached_is_printed(run, table, rows, monkeypatch):
    calls = []

    def interrupt_in_round(original):
        def fit(*arguments, callback, **options):
            def interrupting(state):
                callback(state)
                calls.append(state)
                if len(calls) == 9:
                    raise KeyboardInterrupt

            return original(*arguments, callback=interrupting, **options)

        return fit

    monkeypatch.setattr(api, "fit", interrupt_in_round(api.fit))
    options = ("-k", 2, "--init", "random", "--tol", 0, "--max-iter", 4, "--n-init", 3, "--out", "x")
    code, out, error = run("fit", table, *options)
    assert (code, error) == (130, "")
    best = max(calls, key=lambda state: state.mean_log_likelihood)
    row = ["2", "full", str(best.start + 1), str(best.iteration), f"{best.mean_log_likelihood:.6f}"]
    assert row in [line.split()[:5] for line in out.splitlines()]
    for mean in best.parameters.means.ravel():
        assert f"{mean:.6g}" in out
    assert all(name in out for name in NAMES)
    assert names_in(table.parent) == {table.name}


def test_of_several_mixtures_the_best_is_printed_first(run, table, rows, monkeypatch):
    from fastgmm.shell import fit as module

    def select(*arguments, callback, **options):
        fastgmm.select(*arguments, callback=callback, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "select", select)
    code, out, _ = run("fit", table, "-k", "1-2", "--criterion", "aic", "--n-init", 1)
    assert code == 130
    assert [line.split()[:2] for line in out.splitlines() if " full " in line] == [["2", "full"], ["1", "full"]]
    assert "AIC" in out


# ---- the process ------------------------------------------------------------------------------------------


def test_version_and_help(run):
    assert run("--version") == (0, f"fastgmm {fastgmm.__version__}\n", "")
    for arguments in ((), ("--help",)):
        code, out, error = run(*arguments)
        assert (code, error) == (0, "")
        assert "predict" in out


@pytest.mark.parametrize("arguments", [["fit", "table.csv", "-k", "1"], ["--version"]])
def test_a_closed_pipe_is_quiet(table, arguments):
    command = [sys.executable, "-m", "fastgmm", *arguments]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        run = subprocess.run(command, cwd=table.parent, stdout=closed, stderr=subprocess.PIPE, text=True, check=False)
    assert (run.returncode, re.sub(STAGES, "", run.stderr)) == (application.CLOSED_PIPE, "")


def test_the_module_runs(table):
    command = [sys.executable, "-m", "fastgmm", "fit", table, "-k", "1"]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.sub(STAGES, "", run.stderr) == ""
    assert "converged" in run.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_interrupt(table, tmp_path, name):
    # The handler is set because a job in the background inherits that the signal is ignored.
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fastgmm import api\n"
        "from fastgmm.shell import commands\n"
        f"api.fit = lambda *args, **kwargs: os.kill(os.getpid(), signal.{name})\n"
        f"raise SystemExit(commands.main(['fit', {str(table)!r}, '-k', '1', '--out', {str(tmp_path / 'x')!r}]))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (128 + getattr(signal, name), "")
    assert re.sub(STAGES, "", run.stderr) == "Interrupted before the first iteration was done; nothing is written\n"
    assert names_in(tmp_path) == {table.name}


# SHA-256 in a thread that does not come back to Python, as the compiler does not; the last act says so.
BUSY = """
import hashlib, os, signal, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)
from fastgmm import api
from fastgmm.shell import commands
def busy(*arguments, callback, **options):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.{name})).start()
    {wait}
{fit}
raise SystemExit(commands.main(["fit", {table!r}, "-k", "1", "--out", {out!r}]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="sends signals")
@pytest.mark.parametrize("reached", [False, True])
@pytest.mark.parametrize(("name", "lost"), [("SIGINT", False), ("SIGINT", True), ("SIGTERM", True)])
def test_an_interrupt_does_not_wait_for_what_does_not_return(table, tmp_path, reached, name, lost):
    fit = "api.fit = busy"
    if reached:
        fit = "fit = api.fit\napi.fit = lambda *a, **o: (fit(*a, **o), busy(*a, **o))"
    wait = 'hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)'
    if lost:  # as in a callback of the compiler
        wait = "\n".join(("while True:", "        try: time.sleep(9)", "        except KeyboardInterrupt: pass"))
    code = BUSY.format(name=name, wait=wait, fit=fit, table=str(table), out=str(tmp_path / "x"))
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=100)
    assert run.returncode == 128 + getattr(signal, name)
    assert ("Interrupted; nothing is written" in run.stdout) == reached
    assert ("Interrupted before the first iteration" in run.stderr) != reached
    assert names_in(tmp_path) == {table.name}


def test_an_interrupt_that_is_lost_leaves_no_traceback(monkeypatch):
    """Python tells of what is raised where C has called it, as the compiler does."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: told.append(lost.exc_type))
    hook = sys.unraisablehook

    def fail(error):
        raise error

    for error in (KeyboardInterrupt, OSError):
        with interrupt.heeded():
            ctypes.CFUNCTYPE(None)(lambda error=error: fail(error))()
    assert told == [OSError]
    assert sys.unraisablehook is hook


def test_the_handler_of_the_process_is_as_before(run, table):
    found = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    ignored = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    numbers = signal.SIGINT, signal.SIGTERM
    before = [signal.getsignal(number) for number in numbers], signal.set_wakeup_fd(-1)
    with interrupt.heeded():
        signal.raise_signal(signal.SIGTERM)  # still ignored
    with pytest.raises(KeyboardInterrupt), interrupt.heeded():
        signal.raise_signal(signal.SIGINT)
    assert ([signal.getsignal(number) for number in numbers], signal.set_wakeup_fd(-1)) == before
    signal.signal(signal.SIGTERM, ignored)
    with pytest.raises(KeyboardInterrupt), interrupt.heeded():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    signal.signal(signal.SIGINT, found)
    assert interrupt.last_acts == []
    with ThreadPoolExecutor() as pool:  # elsewhere there are no signals, and a command runs all the same
        assert pool.submit(run, "fit", table, "-k", 1).result()[0] == 0


@pytest.mark.parametrize("missing", ["typer", "rich", "pyarrow"])
def test_a_missing_extra_is_one_line(table, missing):
    code = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        "from fastgmm.shell import commands\n"
        f"raise SystemExit(commands.main(['fit', {str(table)!r}, '-k', '1']))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr.count("\n") == 1
    assert missing in run.stderr
    assert "pip install 'fastgmm[cli]'" in run.stderr


def test_weights_are_a_column(run, tmp_path, rows):
    counts = np.random.default_rng(0).integers(0, 3, size=len(rows))
    lines = [f"{x},{w},{y}" for (x, y), w in zip(rows.tolist(), counts.tolist(), strict=True)]
    (tmp_path / "weighted.csv").write_text("first,count,second\n" + "\n".join(lines) + "\n")
    code, out, error = run("fit", "weighted.csv", "-k", 2, "--weights", "count", "--out", "result", "--no-plots")
    assert (code, error) == (0, "")
    model = Mixture.load(tmp_path / "result" / "model.json")
    assert model.feature_names == ("first", "second")
    expected = fastgmm.fit(rows, 2, sample_weight=counts)
    np.testing.assert_array_equal(model.means, expected.mixture.means)
    assert f"{int(counts.sum())} rows" in out
    chosen = run("fit", "weighted.csv", "-k", 1, "--weights", "count", "--columns", "second")
    assert chosen[0] == 0
    assert "first" not in chosen[1]
    np.save(tmp_path / "nameless.npy", rows)
    _, _, error = run("fit", "nameless.npy", "-k", 2, "--weights", "count")
    assert error == "Error: nameless.npy does not name its columns, so 'count' cannot be chosen by name\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--weights nothing", "example 'geyser' has no column 'nothing'; its columns are 'eruptions"),
        ("--columns waiting", "example 'geyser' has no column 'waiting'; its columns are 'eruptions"),
        ("--weights a --columns a", "example 'geyser' has no column 'a'"),
        ("--reg-covar some", "it must be a number or auto, got 'some'"),
        ("--reg-covar -1", "it must be at least 0, got -1"),
        ("--stopping never", "'never' is not one of change, aitken"),
        ("--acceleration squarem", "'squarem' is not one of none, quasi-newton"),
    ],
)
def test_bad_weights_and_rules(run, options, message):
    code, out, error = run("fit", "--example", "geyser", "-k", 2, *options.split())
    assert (code, out) == (2, "")
    assert re.search(message, error), error


def test_an_empty_path_is_not_the_current_directory(run, table):
    assert run("predict", "", table, "--out", "x.csv") == (
        2,
        "",
        "Error: Invalid value for 'MODEL': it must be a path, got ''\n",
    )


def test_a_full_disk_is_named_by_what_is_written(run, table, monkeypatch):
    def fail(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_labels", fail)
    code, out, error = run("fit", table, "-k", 1, "--out", "x", "--no-plots")
    assert (code, out, error) == (2, "", "Error: --out x cannot be written (No space left on device)\n")


def test_nothing_is_said_before_data_is_given(run, capsys):
    commands.main(["fit", "-k", "2"])
    assert capsys.readouterr().err.startswith("Error: give the path")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_standard_streams_that_cannot_be_written(table):
    command = f"{sys.executable} -m fastgmm fit {table} -k 1"

    def run(redirected):
        return subprocess.run(f"{command} {redirected}", shell=True, capture_output=True, text=True, check=False)

    for redirected in ("2>/dev/full", "2>&-"):
        done = run(redirected)
        assert done.returncode == 0
        assert "converged" in done.stdout
        assert f"reading {table}" not in done.stdout
    done = run(">/dev/full")
    assert done.returncode == 2
    assert done.stderr.endswith("Error: standard output cannot be written (No space left on device)\n")
    assert run(">&-").returncode == 0


def test_standard_input(table, rows):
    command = [sys.executable, "-m", "fastgmm", "fit", "-", "-k", "1"]
    done = subprocess.run(command, input=table.read_text(), capture_output=True, text=True, check=True)
    assert done.stderr.startswith("reading standard input\n")
    assert f"{rows[:, 1].mean():.6g}" in done.stdout
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: standard input is empty" in done.stderr
