"""Tables of pandas, polars and Arrow: columns go by name, and what is no number is named."""

import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from conftest import assert_same_bits, assert_same_parameters, make_problem

import fastgmm
from fastgmm import GaussianMixture, Mixture
from fastgmm.rows.check import as_rows

ROWS, START = make_problem(60, 2, 2)
FRAME = pd.DataFrame(ROWS, columns=["a", "b"])
NAMED = Mixture(*START.parameters, feature_names=("a", "b"))
# Permuted, and among columns that nobody asks for.
WIDER = FRAME.assign(text="x", count=range(60))[["count", "b", "text", "a"]]


def polars_of(frame):
    return pytest.importorskip("polars").DataFrame({name: frame[name].to_list() for name in frame.columns})


TABLES = {
    "pandas": lambda frame: frame,
    "pandas, nullable": lambda frame: frame.convert_dtypes(),
    "pandas, permuted": lambda frame: frame[["b", "a"]],
    "Arrow": lambda frame: pa.table({name: frame[name].tolist() for name in frame.columns}),
    "Arrow, a batch": lambda frame: pa.RecordBatch.from_pydict(
        {name: frame[name].tolist() for name in frame.columns}
    ),
    "polars": polars_of,
    "polars, lazy": lambda frame: polars_of(frame).lazy(),
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize(
    "method",
    [
        *("log_density", "component_log_density", "responsibilities", "predict", "uncertainty"),
        *("score", "bic", "aic", "icl", "entropy"),
    ],
)
def test_columns_are_found_by_name(kind, method):
    np.testing.assert_array_equal(getattr(NAMED, method)(TABLES[kind](WIDER)), getattr(NAMED, method)(ROWS))


@pytest.mark.parametrize("kind", TABLES)
def test_missing_columns_are_listed(kind):
    table = TABLES[kind](WIDER.rename(columns={"a": "A"})[["b", "A"]].rename(columns={"b": "B"}).assign(a=0.0, b=0.0))
    assert NAMED.predict(table).shape == (60,)
    wider = Mixture([1.0], np.zeros((1, 4)), [np.eye(4)], feature_names=("a", "c", "b", "d"))
    with pytest.raises(ValueError, match=r"^X lacks the columns 'c', 'd'; its columns are "):
        wider.predict(table)
    with pytest.raises(ValueError, match=r"^X lacks the column 'b'; its columns are 'a'$"):
        NAMED.predict(TABLES["Arrow"](FRAME[["a"]]))


def test_many_names_are_cut_short():
    wide = Mixture([1.0], np.zeros((1, 30)), [np.eye(30)], feature_names=[f"f{i}" for i in range(30)])
    with pytest.raises(ValueError, match=r"'f18', 'f19' and 10 more; its columns"):
        wide.predict(FRAME)


def test_arrays_and_tables_without_names_go_by_position():
    expected = START.predict(ROWS)
    for rows in (ROWS, ROWS.tolist(), pd.DataFrame(ROWS), pd.DataFrame(ROWS, columns=[1, 0])):
        np.testing.assert_array_equal(NAMED.predict(rows), expected)
    np.testing.assert_array_equal(START.predict(FRAME.rename(columns={"a": "b", "b": "a"})), expected)
    with pytest.raises(ValueError, match="X has 3 features, but the model has 2"):
        NAMED.predict(np.zeros((4, 3)))


@pytest.mark.parametrize("names", [["a", 1], [2020, "b"], [("a", "b"), "c"]])
def test_names_of_which_some_are_strings_are_refused(names):
    """Once all of them were dropped."""
    frame = pd.DataFrame(ROWS, columns=pd.Index(names, dtype=object, tupleize_cols=False))
    for call in (
        lambda: fastgmm.fit(frame, 1),
        lambda: fastgmm.select(frame, 1),
        lambda: START.predict(frame),
        lambda: GaussianMixture(1).fit(frame),
    ):
        with pytest.raises(TypeError, match=r"only supported if all input features have string names.*'str'"):
            call()
    # Columns that nobody asks for may have any name.
    np.testing.assert_array_equal(
        NAMED.predict(FRAME.assign(**{"7": 0.0}).rename(columns={"7": 7})), NAMED.predict(ROWS)
    )


def test_years_are_no_names():
    frame = pd.DataFrame(ROWS, columns=[2020, 2021])
    assert fastgmm.fit(frame, 1).mixture.feature_names is None
    assert not hasattr(GaussianMixture(1).fit(frame), "feature_names_in_")


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_a_series_has_a_name(kind):
    library = pytest.importorskip(kind)
    make = {"pandas": lambda values, name: pd.Series(values, name=name), "polars": lambda v, n: library.Series(n, v)}
    named = make[kind](ROWS[:, 0], "a")
    mixture = fastgmm.fit(named, 2).mixture
    assert mixture.feature_names == ("a",)
    assert_same_bits(mixture, fastgmm.fit(ROWS[:, 0], 2).mixture)
    np.testing.assert_array_equal(mixture.predict(named), mixture.predict(FRAME))
    with pytest.raises(ValueError, match="X lacks the column 'a'; its columns are 'b'"):
        mixture.predict(make[kind](ROWS[:, 0], "b"))
    unnamed = make[kind](ROWS[:, 0], None)
    assert fastgmm.fit(unnamed, 1).mixture.feature_names is None
    assert mixture.predict(unnamed).shape == (60,)
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array instead"):
        GaussianMixture(1).fit(named)


def test_names_that_occur_twice():
    twice = pd.concat([FRAME, FRAME[["a"]]], axis=1)
    with pytest.raises(ValueError, match="cannot be matched by name, because more than one column is named 'a'"):
        NAMED.predict(twice)
    fitted = fastgmm.fit(twice, 1, reg_covar=1e-3).mixture
    assert fitted.feature_names == ("a", "b", "a")
    assert fitted.predict(twice).shape == (60,)
    with pytest.raises(ValueError, match="more than one column is named 'a'"):
        fitted.predict(twice.iloc[:, [1, 0, 2]])


@pytest.mark.parametrize("kind", ["pandas", "Arrow", "polars"])
def test_columns_may_be_called_like_anything(kind):
    """Once `frame.toarray` made a frame sparse, and `frame.column_names` its names."""
    names = ("toarray", "column_names", "select", "iloc", "collect", "*", "^.*$")
    rows = np.random.default_rng(0).normal(size=(20, 7))
    frame = pd.DataFrame(rows, columns=names)
    mixture = fastgmm.fit(frame, 1).mixture
    assert mixture.feature_names == names
    table = TABLES[kind](frame[[*names[::-1]]])
    np.testing.assert_array_equal(mixture.log_density(table), mixture.log_density(rows))
    assert GaussianMixture(1).fit(table).feature_names_in_.tolist() == list(names[::-1])


@pytest.mark.parametrize("kind", TABLES)
def test_results_carry_names(kind):
    table = TABLES[kind](FRAME)
    order = ("b", "a") if "permuted" in kind else ("a", "b")
    assert fastgmm.fit(table, 2, max_iter=2).mixture.feature_names == order
    assert fastgmm.select(table, 2, max_iter=2).best.mixture.feature_names == order
    assert fastgmm.accumulate(table, START).feature_names == order


def test_a_start_with_names_finds_its_columns():
    expected = fastgmm.fit(ROWS, 2, init=START, max_iter=3)
    for rows in (WIDER, ROWS):
        result = fastgmm.fit(rows, 2, init=NAMED, max_iter=3)
        assert_same_bits(result.mixture, expected.mixture)
        assert result.mixture.feature_names == ("a", "b")
    with pytest.raises(ValueError, match="X lacks the column 'a'; its columns"):
        fastgmm.fit(FRAME[["b"]], 2, init=NAMED)


def test_statistics_carry_names():
    parts = [WIDER[:25], FRAME[25:40], ROWS[40:]]
    statistics = sum(fastgmm.accumulate(part, NAMED) for part in parts)
    assert statistics.feature_names == ("a", "b")
    mixture = fastgmm.maximize(statistics)
    assert mixture.feature_names == ("a", "b")
    assert_same_parameters(mixture, fastgmm.maximize(fastgmm.accumulate(ROWS, START)))
    with pytest.raises(ValueError, match=r"of the features \('a', 'b'\) and \('b', 'a'\) do not add up"):
        fastgmm.accumulate(FRAME, START) + fastgmm.accumulate(FRAME[["b", "a"]], START)


@pytest.mark.parametrize("kind", ["pandas", "pyarrow", "polars"])
@pytest.mark.parametrize("values", [[1.5, 2.0, None, None], [1, 2, None, None], [True, False, None, None]])
def test_what_is_missing_has_a_row_and_a_column(kind, values):
    library = pytest.importorskip(kind)
    column, tabulate = {
        "pandas": lambda: (pd.Series(values, dtype=object).convert_dtypes(), library.DataFrame),
        "pyarrow": lambda: (library.chunked_array([values]), library.table),
        "polars": lambda: (library.Series(values), library.DataFrame),
    }[kind]()
    table = tabulate({"a": [1, 2, 3, 4], "b": column})
    message = r"^X has 2 NaN or infinite values, the first in row 2 \(counted from 0\) of column 'b'; drop or impute"
    with pytest.raises(ValueError, match=message):
        fastgmm.fit(table, 1)
    with pytest.raises(ValueError, match=message):
        NAMED.predict(table)
    with pytest.raises(ValueError, match=r"^Input X contains NaN. .* in row 2 \(counted from 0\) of column 'b'"):
        GaussianMixture(1).fit(table)
    with pytest.raises(ValueError, match=r"X has 2 NaN or infinite values, the first in row 2 \(counted from 0\);"):
        fastgmm.fit(column, 1)
    with pytest.raises(ValueError, match="sample_weight must be finite"):
        fastgmm.fit(ROWS[:4], 1, sample_weight=column)


def test_an_array_has_rows_and_columns_too():
    rows = ROWS.copy()
    rows[[3, 7], [1, 0]] = np.nan
    with pytest.raises(ValueError, match=r"the first in row 3 \(counted from 0\) of column 1; drop"):
        fastgmm.fit(rows, 1)
    with pytest.raises(ValueError, match=r"the first in row 1 .* of column 0"):
        fastgmm.fit([[1, 2], [None, 3]], 1)


def test_a_dictionary_of_arrow_keeps_its_nulls():
    """To NumPy it hands any number where there is none."""
    table = pa.table({"a": pa.array([1, None, 3]).dictionary_encode(), "b": [1.0, 2.0, 4.0]})
    with pytest.raises(ValueError, match=r"the first in row 1 .* of column 'a'"):
        fastgmm.fit(table, 1)


def test_numbers_of_any_kind():
    """Nullable columns, decimals and truth values are numbers, exactly."""
    frame = pd.DataFrame({"a": [1, 2, 5], "b": [True, False, True], "c": [1.5, 2.0, 7.0]}).convert_dtypes()
    np.testing.assert_allclose(fastgmm.fit(frame, 1, reg_covar=0.1).mixture.means, [[8 / 3, 2 / 3, 3.5]], rtol=1e-15)
    single = frame[["c"]].astype("Float32")
    assert GaussianMixture(1).fit(single).means_.dtype == np.float32
    amounts = [decimal.Decimal("1.5"), decimal.Decimal(2), decimal.Decimal(7)]
    for table in (pa.table({"c": amounts}), pd.DataFrame({"c": amounts})):
        np.testing.assert_array_equal(fastgmm.fit(table, 1).mixture.means, [[3.5]])


def test_columns_that_are_not_numeric_are_named():
    columns = {"id": ["c1", "c2"], "n": [1, 2], "age": [31, "n/a"], "digits": ["1", "2"]}
    frame = pd.DataFrame(columns).assign(when=pd.Timestamp("2020-01-01"), z=[1j, 2.0])
    message = (
        r"^X must have numeric columns only, got 'id' \('c1' in row 0\); 'age' \('n/a' in row 1\); 'digits' \('1' in "
        r"row 0\); 'when' \(.*2020.* in row 0\); 'z' \(1j in row 0\); leave these out"
    )
    for call in (lambda: fastgmm.fit(frame, 1), lambda: GaussianMixture(1).fit(frame)):
        with pytest.raises(TypeError, match=message):
            call()
    frame = pd.DataFrame({f"f{i}": ["x"] for i in range(30)})
    with pytest.raises(TypeError, match=r"'f19' \('x' in row 0\) and more; leave"):
        fastgmm.fit(frame, 1)


@pytest.mark.parametrize("kind", ["pandas", "pyarrow", "polars"])
@pytest.mark.parametrize("dtype", ["datetime64[ns]", "timedelta64[ns]", "datetime64[us]", "timedelta64[ms]"])
def test_times_are_no_numbers(kind, dtype):
    """Of nanoseconds NumPy makes integers, which once were fitted."""
    library = pytest.importorskip(kind)
    times = np.array(["NaT", 10**15, 2 * 10**15, 4 * 10**15], dtype)
    columns = {"n": [1.0, 2.0, 3.0, 5.0], "when": times}
    table = library.table(columns) if kind == "pyarrow" else library.DataFrame(columns)
    message = r"^X must have numeric columns only, got 'when' \(.* in row 1\); leave these out"
    for call in (lambda: fastgmm.fit(table, 1), lambda: GaussianMixture(1).fit(table)):
        with pytest.raises(TypeError, match=message):
            call()
    with pytest.raises(TypeError, match="'when'"):
        Mixture([1.0], [[0.0, 0.0]], [np.eye(2)]).predict(table)
    with pytest.raises(TypeError, match="X must hold numbers"):
        fastgmm.fit(times, 1)


def test_durations_among_objects_are_no_numbers():
    rows = np.array([[1.0], [np.timedelta64(5, "ns")]], dtype=object)
    with pytest.raises(TypeError, match=r"X must hold numbers only, got .*timedelta64.* at index \(1, 0\)"):
        fastgmm.fit(rows, 1)


def test_what_only_polars_has():
    polars = pytest.importorskip("polars")
    amounts = polars.DataFrame({"c": [decimal.Decimal("1.5"), decimal.Decimal(2), decimal.Decimal(7)]})
    np.testing.assert_array_equal(fastgmm.fit(amounts, 1).mixture.means, [[3.5]])
    odd = polars.DataFrame(
        {
            "n": [1, 2],
            "list": [[1, 2], [3]],
            "pair": polars.Series([[1, 2], [3, 4]], dtype=polars.Array(polars.Int64, 2)),
            "struct": [{"x": 1}, {"x": 2}],
            "wide": polars.Series([1, 2], dtype=polars.Int128),
        }
    )
    with pytest.raises(TypeError, match=r"got 'list' \(array.*; 'pair' \(several .*; 'struct' \(.*; 'wide' \(.*i128"):
        fastgmm.fit(odd, 1)


@pytest.mark.parametrize("value", ["1", "x", 1j, np.complex128(1.0), object(), {}, [1]])
def test_objects_that_are_no_real_numbers(value):
    """A string of digits is no number, and a complex number would lose a part."""
    rows = np.ones((3, 2), dtype=object)
    rows[1, 1] = value
    with pytest.raises(TypeError, match=r"X must hold numbers only, got .* at index \(1, 1\)"):
        fastgmm.fit(rows, 1)
    with pytest.raises(TypeError, match="sample_weight must be an array of numbers, got ndarray"):
        fastgmm.fit(ROWS[:3], 1, sample_weight=rows[:, 1])


def test_tables_without_rows_or_columns():
    for table in (pd.DataFrame({"a": []}), pd.DataFrame(index=range(3)), pa.table({"a": pa.array([], "int64")})):
        with pytest.raises(ValueError, match="X must have at least one row and one column"):
            fastgmm.fit(table, 1)
    assert fastgmm.fit(pd.DataFrame(ROWS).convert_dtypes(), 1).mixture.feature_names is None


def test_a_frame_of_numpys_numbers_is_not_copied():
    frame = pd.DataFrame(ROWS, copy=False)
    assert np.shares_memory(as_rows(frame)[0], frame.to_numpy())


def test_the_estimator_wants_the_columns_of_the_fit():
    model = GaussianMixture(2, random_state=0).fit(FRAME)
    for table, message in (
        (FRAME[["b", "a"]], "must be in the same order as they were in fit"),
        (WIDER[["a", "b", "count"]], r"unseen at fit time:\n- count"),
        (FRAME[["b"]], r"seen at fit time, yet now missing:\n- a"),
    ):
        for method in (model.predict, model.predict_proba, model.score, model.bic):
            with pytest.raises(ValueError, match=message):
                method(table)


def test_the_estimator_collects_a_lazy_frame_once():
    polars = pytest.importorskip("polars")
    calls = []
    lazy = polars_of(FRAME).lazy().map_batches(lambda frame: calls.append(1) or frame)
    labels = GaussianMixture(2, random_state=0).fit_predict(lazy)
    np.testing.assert_array_equal(labels, GaussianMixture(2, random_state=0).fit(FRAME).predict(FRAME))
    assert calls == [1]
    assert isinstance(lazy, polars.LazyFrame)
