"""Rows in chunks that are read anew in each round: the bits of the same rows in memory, and what is refused."""

import contextlib
import threading
import time

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.em.outcome import Interrupted
from fastgmm.em.start import sample_size
from fastgmm.model.plan import plan_of
from fastgmm.rows.array import ArraySource
from fastgmm.rows.check import total_weight_of
from fastgmm.rows.chunked.ahead import made_ahead
from fastgmm.rows.chunked.opening import chunks_of
from fastgmm.rows.chunked.source import ChunkedSource
from fastgmm.rows.launch.cutter import Cutter

pa = pytest.importorskip("pyarrow")
N = 20_017 if JIT_ENABLED else 3000


class Chunks:
    """Rows that can be read again and again, cut at random; a chunk is a copy, which nobody holds for long."""

    def __init__(self, X, seed=0, n_cuts=7):
        self.X, self.n_passes = X, 0
        cuts = np.random.default_rng(seed).integers(0, len(X) + 1, size=n_cuts)
        self.cuts = np.sort([*cuts, cuts[0]])  # one is empty

    def __iter__(self):
        self.n_passes += 1
        return (chunk.copy() for chunk in np.split(self.X, self.cuts))


def structured(start, covariance_type):
    """Return `start`, of any structure."""
    n_components, n_features = start.means.shape
    covariances = {
        "full": start.covariances,
        "tied": np.eye(n_features),
        "diag": np.ones((n_components, n_features)),
        "spherical": np.ones(n_components),
    }
    return fastgmm.Mixture(start.weights, start.means, covariances[covariance_type], covariance_type)


def assert_same_fit(a, b):
    assert_same_bits(a.mixture, b.mixture)
    np.testing.assert_array_equal(a.trace, b.trace)
    assert (a.log_likelihood, a.total_weight, a.n_samples) == (b.log_likelihood, b.total_weight, b.n_samples)
    np.testing.assert_array_equal(a.regulariser.floor, b.regulariser.floor)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_a_fit_of_chunks_has_the_bits_of_one_in_memory(covariance_type):
    X, start = make_problem(N, 2, 3)
    start = structured(start, covariance_type)
    options = {"covariance_type": covariance_type, "init": start, "max_iter": 4, "tol": 0.0}
    whole = fastgmm.fit(X, 3, **options)
    for seed in range(3):
        assert_same_fit(fastgmm.fit(Chunks(X, seed), 3, **options), whole)


@pytest.mark.parametrize("init", ["kmeans", "k-means++", "random", "random_from_data", "tree"])
def test_starts_of_chunks_have_the_bits_of_those_in_memory(init, monkeypatch):
    """Also where a start looks at a sample of the rows."""
    X, _ = make_problem(N, 2, 3)
    # Of so few rows as without the JIT a start in memory looks at all, whatever the size of a sample.
    for size in (sample_size(plan_of("full", 3, 2)), *[N // 5] * JIT_ENABLED):
        monkeypatch.setattr("fastgmm.em.start.sample_size", lambda plan, size=size: size)
        options = {"init": init, "max_iter": 2, "tol": 0.0, "n_init": 2}
        assert_same_fit(fastgmm.fit(Chunks(X), 3, **options), fastgmm.fit(X, 3, **options))


@pytest.mark.parametrize("kind", ["labels", "responsibilities"])
def test_what_is_given_of_each_row_goes_by_its_number(kind):
    X, start = make_problem(N, 2, 3)
    given = start.predict(X) if kind == "labels" else start.responsibilities(X)
    options = {"init": given, "max_iter": 2, "tol": 0.0}
    assert_same_fit(fastgmm.fit(Chunks(X), 3, **options), fastgmm.fit(X, 3, **options))


def test_a_pass_is_repeated_after_a_start_far_away():
    X, start = make_problem(N, 2, 1)
    for covariance_type in ("full", "spherical"):
        far = structured(fastgmm.Mixture(start.weights, start.means + 1e5, start.covariances), covariance_type)
        options = {"covariance_type": covariance_type, "init": far, "max_iter": 2, "tol": 0.0}
        chunks = Chunks(X)
        assert_same_fit(fastgmm.fit(chunks, 1, **options), fastgmm.fit(X, 1, **options))
        assert chunks.n_passes == 1 + 1 + 1 + (2 + 1) + 1


@pytest.mark.parametrize("far", [0.0, 1e6])
def test_variances_take_a_pass_and_one_more_where_the_first_row_is_far_out(far):
    X, _ = make_problem(N, 2, 3)
    X[0] += far
    chunks = Chunks(X)
    source = ChunkedSource(chunks_of(chunks, None, None, None))
    n_before = chunks.n_passes
    moments = source.moments()
    assert chunks.n_passes - n_before == (2 if far else 1)
    for one, other in zip(moments, ArraySource(X).moments(), strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(moments.deviations, X.std(axis=0), rtol=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_weights_may_be_a_column(weighted):
    X, _ = make_problem(N, 2, 3)
    weights = np.random.default_rng(0).integers(0, 4, size=N) * 0.3
    table = pa.table({"b": X[:, 1], "w": weights, "a": X[:, 0]})
    options = {"max_iter": 2, "tol": 0.0, "columns": ["a", "b"]}
    names = [field for field in table.column_names if weighted or field != "w"]
    frame = table.select(["a", "b"])
    whole = fastgmm.fit(frame, 3, sample_weight=weights if weighted else None, **options)
    read = fastgmm.fit(
        lambda: table.select(names).to_reader(1001), 3, sample_weight="w" if weighted else None, **options
    )
    assert_same_fit(read, whole)
    assert read.mixture.feature_names == ("a", "b")
    if weighted:
        every = fastgmm.fit(lambda: table.to_reader(5000), 3, sample_weight="w", max_iter=1)
        assert every.mixture.feature_names == ("b", "a")


def test_the_total_weight_does_not_depend_on_how_weights_arrive():
    weights = np.random.default_rng(0).random(30_001)
    X = np.zeros((30_001, 1)) + np.arange(30_001)[:, np.newaxis]
    table = pa.table({"x": X[:, 0], "w": weights})
    chunks = chunks_of(lambda: table.to_reader(777), None, None, "w")
    source, whole = ChunkedSource(chunks), ArraySource(X, weights=weights)
    assert (source.total_weight, source.weight_exponent) == (whole.total_weight, whole.weight_exponent)
    assert source.n_counted == whole.n_counted
    assert total_weight_of(30_001, weights) == pytest.approx(weights.sum(), rel=1e-14)
    assert total_weight_of(100, weights[:100]) == weights[:100].sum()


def test_weights_that_vanish_beside_the_largest_do_not_count():
    X, _ = make_problem(300, 2, 3)
    weights = np.where(np.arange(300) % 100 == 0, 1e300, 1e-320)
    table = pa.table({"a": X[:, 0], "b": X[:, 1], "w": weights})
    for chunks in (table, lambda: table.to_reader(70)):
        with pytest.raises(ValueError, match="n_components must be at most the number of rows, 3, got 5"):
            fastgmm.fit(chunks, 5, sample_weight="w")


def test_weights_may_be_a_column_of_a_table_in_memory():
    X, _ = make_problem(300, 2, 3)
    table, weights = pa.table({"w": np.arange(300) % 5, "a": X[:, 0], "b": X[:, 1]}), np.arange(300) % 5
    whole = fastgmm.fit(table.select(["a", "b"]), 3, sample_weight=weights)
    assert_same_fit(fastgmm.fit(table, 3, sample_weight="w"), whole)
    assert_same_fit(fastgmm.fit(table, 3, sample_weight="w", columns=["a", "b"]), whole)
    assert fastgmm.fit(table, 1, sample_weight="w", columns=["w"]).mixture.feature_names == ("w",)
    with pytest.raises(
        ValueError, match="sample_weight must be weights or the name of a column, got 'z'; the columns"
    ):
        fastgmm.fit(table, 3, sample_weight="z")
    with pytest.raises(ValueError, match="got 'w'; X has no names of columns"):
        fastgmm.fit(X, 3, sample_weight="w")


@pytest.mark.parametrize("least", [1, 100_000])
def test_cuts_are_whole_superblocks_of_all_rows_in_order(least):
    X = np.arange(60_000.0).reshape(-1, 2)
    cutter = Cutter(64, 2, np.dtype(np.float64), least=least, n_buffers=3)
    seen = []
    chunks = (X[:10], X[10:10], X[10:9000], np.asfortranarray(X[9000:9500]), X[9500:].astype(np.float32))
    for pieces in (*map(cutter.cut, chunks), cutter.rest()):
        for piece in pieces:
            assert piece.x.flags.c_contiguous
            assert not piece.x.flags.writeable
            seen.append((piece.first, piece.x.copy()))
    assert all(len(x) % 64 == 0 for _, x in seen[:-1])
    assert [first for first, _ in seen] == [0, *np.cumsum([len(x) for _, x in seen])[:-1]]
    np.testing.assert_array_equal(np.concatenate([x for _, x in seen]), X)


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("fastgmm-reader")]


def test_no_thread_is_left_however_a_pass_ends():
    closed = []

    def numbers():
        try:
            yield from range(100)
        finally:
            closed.append(True)

    with made_ahead(numbers()) as ahead:
        assert list(ahead) == list(range(100))
    with pytest.raises(ZeroDivisionError), made_ahead(numbers()) as ahead:
        sum(1 / (5 - number) for number in ahead)
    assert closed == [True, True]
    deadline = time.monotonic() + 5
    while readers() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not readers()


class Opened:
    """Chunks of something that is open until it is closed, as a reader of files is."""

    def __init__(self, chunks):
        self.chunks, self.closed = iter(chunks), False

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.chunks)

    def close(self):
        self.closed = True


@pytest.mark.parametrize(
    ("last", "callback"),
    [
        (np.array([[np.nan, 0.0]]), None),
        ("rows", None),
        (np.zeros((1, 3)), None),
        (np.zeros((1, 2)), lambda state: 1 / 0),
        (np.zeros((1, 2)), None),
    ],
    ids=["gaps", "no rows", "wider", "callback", "none"],
)
def test_what_is_opened_for_a_pass_is_closed_however_it_ends(last, callback):
    X, start = make_problem(300, 2, 3)
    opened = []

    def chunks():
        opened.append(Opened([X[:200], X[200:], last]))
        return opened[-1]

    with contextlib.suppress(TypeError, ValueError, ZeroDivisionError):
        fastgmm.fit(chunks, 3, init=start, max_iter=2, callback=callback)
    assert opened
    assert all(each.closed for each in opened)


def test_few_chunks_are_made_before_they_are_asked_for():
    made = []

    def numbers():
        for number in range(20):
            made.append(number)
            yield number

    with made_ahead(numbers()) as ahead:
        for number in ahead:
            time.sleep(0.005)
            assert len(made) <= number + 4


def test_a_reader_does_not_keep_the_interpreter_from_its_end():
    with made_ahead(number for number in range(9)) as ahead:
        next(iter(ahead))
        assert [thread.daemon for thread in readers()] == [True]


class View:
    """A tensor of another library, whose array is a view."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize("kind", [np.asarray, View])
def test_a_reader_may_use_its_memory_again(kind):
    """Its chunks are large enough to stay where they lie, and in the first pass all do."""
    X, start = make_problem(3 * 300_000 if JIT_ENABLED else 3000, 2, 3)
    memory = np.empty((len(X) // 3, 2))

    def read():
        for part in np.split(X, 3):
            memory[...] = part
            yield kind(memory)

    options = {"init": start, "max_iter": 1, "tol": 0.0}
    assert_same_fit(fastgmm.fit(read, 3, **options), fastgmm.fit(X, 3, **options))


def test_what_is_there_to_stay_is_not_copied():
    X, _ = make_problem(300, 2, 3)
    fixed = X.view()
    fixed.flags.writeable = False
    sources = [[X], lambda: (X,), lambda: iter([fixed]), lambda: iter([X])]
    shared = [np.may_share_memory(next(chunks_of(source, None, None, None)()).X, X) for source in sources]
    assert shared == [True, True, True, False]


def test_an_empty_chunk_may_have_any_names():
    X, start = make_problem(300, 2, 3)
    table = pa.table({"a": X[:, 0], "b": X[:, 1]})
    empty = pa.table({"c": X[:0, 0]})
    options = {"init": start, "max_iter": 1, "tol": 0.0}
    assert_same_fit(fastgmm.fit([empty, table, empty], 3, **options), fastgmm.fit(table, 3, **options))


def test_what_a_users_iterable_raises_arrives():
    class Broken:
        def __iter__(self):
            yield len(5)

    with pytest.raises(TypeError, match=r"object of type 'int' has no len\(\)"):
        fastgmm.fit(Broken(), 2)


class Once:
    """Its iterator is one and the same."""

    def __init__(self, chunks):
        self.chunks = iter(chunks)

    def __iter__(self):
        return self.chunks


ONCE = Once([np.eye(2)] * 3)


def test_an_error_of_the_reader_arrives_as_it_is():
    X, start = make_problem(3000, 2, 3)

    def read():
        yield X[:1000]
        raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError, match="the disk is on fire"):
        fastgmm.fit(read, 3, init=start)


def test_an_interrupt_keeps_the_last_whole_round():
    X, start = make_problem(3000, 2, 3)
    expected = fastgmm.fit(X, 3, init=start, max_iter=2, tol=0.0).mixture
    chunks, passes = Chunks(X), []

    def watch(underway):
        passes.append((underway.stage, underway.number))
        if underway.stage == "EM" and underway.number == 3 and underway.n_seen:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        fastgmm.fit(chunks, 3, init=start, tol=0.0, progress=watch)
    assert_same_bits(fastgmm.Mixture(*caught.value.outcome.parameters), expected)
    assert passes[0] == ("reading", 1)
    assert passes[-1] == ("EM", 3)


def test_an_estimator_takes_chunks_and_select_does():
    X, _ = make_problem(3000, 2, 3)
    ours = fastgmm.GaussianMixture(3, random_state=0).fit(Chunks(X))
    whole = fastgmm.GaussianMixture(3, random_state=0).fit(X)
    np.testing.assert_array_equal(ours.means_, whole.means_)
    assert not hasattr(ours, "feature_names_in_")
    named = fastgmm.GaussianMixture(3, random_state=0).fit(lambda: pa.table({"a": X[:, 0], "b": X[:, 1]}).to_reader())
    assert named.feature_names_in_.tolist() == ["a", "b"]
    read, whole = (fastgmm.select(each, [1, 2], random_state=0) for each in (Chunks(X), X))
    assert [each.bic for each in read.candidates] == [each.bic for each in whole.candidates]


def changing(*sizes):
    """Return a function whose iterables have another number of rows each time."""
    lengths = iter(sizes)
    X, _ = make_problem(max(sizes), 2, 2)
    return lambda: [X[: next(lengths)]]


TABLE = pa.table({"a": [0.0, 1.0, 2.0], "b": [1.0, 0.0, 2.0], "w": [1.0, -1.0, 1.0], "t": ["x", "y", "z"]})


@pytest.mark.parametrize(
    ("X", "options", "error", "message"),
    [
        (
            iter([np.zeros((3, 2))]),
            {},
            TypeError,
            "X is <list_iterator.*>, which can be read only once, .*partial_fit",
        ),
        (
            [np.zeros((3, 2)), np.zeros((3, 3))],
            {},
            ValueError,
            "chunk 1 .*it has 3 columns, but the chunks before have",
        ),
        (
            [np.ones((3, 2)), np.ones((3, 2), np.float32)],
            {},
            ValueError,
            "chunk 1 .*: it is float32, but the chunks be",
        ),
        ([np.zeros((0, 2)), np.zeros((0, 2))], {}, ValueError, "X has no rows: all of its chunks are empty"),
        (
            [np.ones((3, 2)), [[1.0, np.nan]]],
            {},
            TypeError,
            "chunk 1 must be an array or a table of rows and columns",
        ),
        (
            [np.ones((3, 2)), np.array([[1, 2], [3, np.inf]])],
            {},
            ValueError,
            "chunk 1 .*infinite in row 1 .*column 1",
        ),
        (lambda: 5, {}, TypeError, "X is a function, which must return an iterable of chunks, got 5"),
        (
            lambda: np.ones((5, 2)),
            {},
            TypeError,
            r"X is a function that returned rows, .*, and must .* a list, \[X\]",
        ),
        (
            Once([np.ones((3, 2))] * 3),
            {},
            ValueError,
            "X had 6 rows when it was read first, and now none: .*partial_fit",
        ),
        (ONCE.__iter__, {}, ValueError, "X had 6 rows .* and now none: .*only once"),
        (changing(80, 80, 90), {}, ValueError, "X had 80 rows when it was read first, and now more"),
        (changing(90, 80, 90, 90), {}, ValueError, "X had 90 rows when it was read first, and now 80"),
        (
            lambda: TABLE.to_reader(),
            {"columns": ["a", "z"]},
            ValueError,
            "chunk 0 .* no column 'z'; its columns are 'a'",
        ),
        (
            lambda: TABLE.to_reader(),
            {"sample_weight": "w", "columns": ["a"]},
            ValueError,
            "weight in row 1 .* is -1.0",
        ),
        (lambda: TABLE.to_reader(), {}, TypeError, "chunk 0 .*: X must have numeric columns only, got 't'"),
        (lambda: [TABLE, TABLE.select(["a", "b"])], {"sample_weight": "w", "columns": ["a"]}, ValueError, "-1.0"),
        (
            lambda: [TABLE.select(["a", "b"]), TABLE.select(["a"])],
            {},
            ValueError,
            "chunk 1 .* no column 'b', unlike the",
        ),
        (
            lambda: [TABLE.select(["a"]), TABLE.select(["a", "w"])],
            {},
            ValueError,
            "chunk 1 .* a column 'w', unlike the",
        ),
        ([np.ones((3, 2))], {"columns": ["a"]}, ValueError, "chunk 0 .* no column 'a'; the columns have no names"),
        ([np.ones((3, 2))], {"sample_weight": np.ones(3)}, TypeError, "of chunks must be the name of a column, got"),
        (np.ones((3, 2)), {"columns": ["a"]}, ValueError, "columns are chosen by their names, and X, .*, has none"),
        (TABLE, {"columns": ["a", "a"]}, ValueError, "columns must not have a value twice, got 'a' twice"),
        (TABLE, {"columns": [1]}, TypeError, "columns must be names, got 1"),
        (TABLE, {"columns": ["c"]}, ValueError, "X lacks the column 'c'; its columns are 'a', 'b', 'w', 't'"),
        ("no/such/*.parquet", {}, FileNotFoundError, "no/such/.*: no such file, and no directory or pattern of"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(X, options, error, message):
    with pytest.raises(error, match=message) as caught:
        fastgmm.fit(X, 2, **options)
    assert len(str(caught.value).splitlines()) == 1


def test_what_can_be_indexed_can_be_read():
    X, start = make_problem(3000, 2, 3)

    class Loader:
        def __getitem__(self, number):
            if number > 2:
                raise IndexError
            return X[1000 * number : 1000 * (number + 1)]

    options = {"init": start, "max_iter": 2, "tol": 0.0}
    assert_same_fit(fastgmm.fit(Loader(), 3, **options), fastgmm.fit(X, 3, **options))


def test_a_single_chunk_and_single_column_are_enough():
    x = np.random.default_rng(0).normal(size=(300, 1))
    assert_same_fit(fastgmm.fit([x], 2), fastgmm.fit(x, 2))
    assert_same_fit(fastgmm.fit(lambda: [pa.table({"x": x[:, 0]})], 2), fastgmm.fit(x, 2))


def test_a_source_is_read_once_a_round():
    X, start = make_problem(3000, 2, 3)
    chunks = Chunks(X)
    fastgmm.fit(chunks, 3, init=start, reg_covar=1e-6, max_iter=4, tol=0.0)
    # Found to be chunks, counted, four rounds, and the log-likelihood of the last parameters.
    assert chunks.n_passes == 1 + 1 + 4 + 1


@pytest.mark.compiled
def test_threads_that_no_pass_gains_from_are_given_up_and_change_no_bit(monkeypatch):
    X, start = make_problem(N, 2, 3)
    whole = fastgmm.fit(X, 3, init=start, max_iter=8, tol=0.0)
    monkeypatch.setattr("fastgmm.rows.chunked.run.WORTH_IT", 0.0)
    used = []

    def take(run, *arguments):
        used.append(run._n_threads)
        return add(run, *arguments)

    from fastgmm.rows.run import Run

    add = Run.add
    monkeypatch.setattr(Run, "add", take)
    assert_same_fit(fastgmm.fit(Chunks(X), 3, init=start, max_iter=8, tol=0.0, n_threads=2), whole)
    assert {1, 2} <= set(used) or fastgmm.rows.launch.threads.available(2) == 1


@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("gone")])
def test_a_source_that_fails_carries_the_last_whole_round(error):
    X, start = make_problem(3000, 2, 3)
    n_rounds = []

    def read():
        yield X[:1000]
        if n_rounds == [1, 2]:
            raise error
        yield X[1000:]

    options = {"init": start, "tol": 0.0}
    with pytest.raises(type(error), match="gone") as caught:
        fastgmm.fit(read, 3, callback=lambda seen: n_rounds.append(seen.iteration), **options)
    outcome = caught.value.outcome
    assert outcome.n_iter == 2
    expected = fastgmm.fit(X, 3, max_iter=2, **options)
    assert_same_bits(fastgmm.Mixture(*outcome.parameters), expected.mixture)
    np.testing.assert_array_equal(outcome.trace, expected.trace)
