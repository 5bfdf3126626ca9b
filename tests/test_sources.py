"""The seam: the same bits for every cut of the rows, number of threads and memory layout."""

import os
import weakref

import numpy as np
import pytest
from conftest import assert_same_bits, make_problem, run

import fastgmm
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.model.plan import Plan
from fastgmm.rows.accumulation import Accumulation
from fastgmm.rows.launch import bench, threads
from fastgmm.rows.launch.pieces import pieces
from fastgmm.rows.start import whole as start_buffers

FEATURES = [2, 3] if JIT_ENABLED else [2]


def rows_for(n_features, n_components, superblocks):
    return superblocks * Plan("full", n_components, n_features).rows + 17


def same_statistics(a, b):
    assert a.log_likelihood == b.log_likelihood
    assert a.n_samples == b.n_samples
    for name in ("responsibility_sums", "first_moments", "second_moments"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name))


@pytest.mark.parametrize("n_features", FEATURES)
def test_cuts_into_chunks_change_no_bit(n_features):
    X, start = make_problem(rows_for(n_features, 3, 3 if JIT_ENABLED else 1), n_features, 3)
    whole = fastgmm.accumulate(X, start)
    rows = Plan("full", 3, n_features).rows
    generator = np.random.default_rng(0)
    cuts = [
        np.array([1, 2, 3, rows - 1, rows, rows + 1]),
        np.sort(generator.integers(0, len(X), size=20)),
        np.arange(0, len(X), rows // 2 + 1),
    ]
    for cut in cuts:
        accumulation = Accumulation(start.parameters)
        for chunk in np.split(X, cut):
            accumulation.add(chunk)
        same_statistics(accumulation.finish(), whole)


@pytest.mark.parametrize("n_features", FEATURES)
def test_memory_layouts_change_no_bit(n_features, tmp_path):
    X, start = make_problem(rows_for(n_features, 2, 1), n_features, 2)
    whole = fastgmm.accumulate(X, start)
    frozen = X.copy()
    frozen.flags.writeable = False
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    wide = np.zeros((len(X), 2 * n_features))
    wide[:, ::2] = X
    unaligned = np.frombuffer(b"0" + X.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(X.shape)
    layouts = [np.asfortranarray(X), X[::-1].copy()[::-1], wide[:, ::2], frozen, mapped, X.astype(">f8"), unaligned]
    for layout in layouts:
        same_statistics(fastgmm.accumulate(layout, start), whole)


@pytest.mark.compiled
def test_a_large_fortran_frame_is_read_where_it_lies_by_one_more_signature():
    from fastgmm.kernels import tasks

    X, start = make_problem(400_000, 2, 3)
    expected = fastgmm.accumulate(X, start)
    frame = np.asfortranarray(X)
    assert all(
        np.shares_memory(piece, frame) for _, piece in pieces(frame, len(X), Plan("full", 3, 2).rows, np.float64)
    )
    before = set(tasks.sweep_full_2.signatures)
    same_statistics(fastgmm.accumulate(frame, start), expected)
    same_statistics(fastgmm.accumulate(np.repeat(X, 2, axis=0)[::2], start), expected)
    assert len(set(tasks.sweep_full_2.signatures) - before) <= 1
    assert {signature[0].dtype.types[0].layout for signature in tasks.sweep_full_2.signatures} <= set("CFA")


@pytest.mark.compiled
@pytest.mark.parametrize("n_features", [2, 3])
def test_threads_change_no_bit_and_two_really_run(n_features):
    n_components = 4
    X, start = make_problem(rows_for(n_features, n_components, 100), n_features, n_components)
    assert len(X) * Plan("full", n_components, n_features).row_nanoseconds > threads.PARALLEL_NANOSECONDS
    one = fastgmm.fit(X, n_components, init=start, max_iter=5, tol=0.0, n_threads=1)
    if threads.check_n_threads(None) is None and os.cpu_count() == 1:
        pytest.skip("one processor")
    fastgmm.fit(X, n_components, init=start, max_iter=1, tol=0.0, n_threads=2)  # threads exist, code is compiled
    before = processor_time_by_thread()
    # Where others work on both processors, the second thread may wait for longer than a fit of milliseconds takes: so
    # fit until both have worked.
    for _ in range(200):
        two = fastgmm.fit(X, n_components, init=start, max_iter=20, tol=0.0, n_threads=2)
        used = sorted(time - before.get(thread, 0) for thread, time in processor_time_by_thread().items())
        if len(used) >= 2 and used[-2] > 0.2 * used[-1]:
            break
    else:
        pytest.fail(f"the second thread did next to nothing: {used} nanoseconds")
    np.testing.assert_array_equal(one.trace, two.trace[:5])
    assert_same_bits(
        one.mixture,
        fastgmm.fit(X, n_components, init=start, max_iter=5, tol=0.0, n_threads=2).mixture,
    )


def processor_time_by_thread():
    """Nanoseconds on a processor of each thread of this process."""
    root = "/proc/self/task"
    if not os.path.exists(f"{root}/{os.getpid()}/schedstat"):
        pytest.skip("needs Linux's per-thread accounting")
    times = {}
    for thread in os.listdir(root):
        with open(f"{root}/{thread}/schedstat") as file:
            times[thread] = int(file.read().split()[0])
    return times


@pytest.mark.compiled
def test_sixteen_threads_on_any_processor_change_no_bit():
    """As in a container that has fewer processors than its machine; `python -m bench.threads` has the times."""
    program = """
import numpy as np, fastgmm
X = np.random.default_rng(0).normal(size=(50_000, 2))
for structure in ("full", "tied"):
    result = fastgmm.fit(X, 3, covariance_type=structure, max_iter=5)
    print(result.mixture.covariances.tobytes().hex(), result.mixture.predict(X).sum())
"""
    two, sixteen = (run(program, NUMBA_NUM_THREADS=number) for number in ("2", "16"))
    assert two == sixteen


@pytest.mark.compiled
def test_inference_is_the_same_for_one_and_two_threads():
    X, start = make_problem(50_000, 2, 3)
    np.testing.assert_array_equal(start.log_density(X, n_threads=1), start.log_density(X, n_threads=2))
    np.testing.assert_array_equal(start.predict(X, n_threads=1), start.predict(X, n_threads=2))


@pytest.mark.compiled
def test_number_of_threads_is_restored():
    import numba

    X, start = make_problem(50_000, 2, 3)
    before = numba.get_num_threads()
    fastgmm.accumulate(X, start, n_threads=1)
    fastgmm.accumulate(X, start, n_threads=2)
    assert numba.get_num_threads() == before
    with pytest.raises(ZeroDivisionError), threads.team(2):
        raise ZeroDivisionError
    assert numba.get_num_threads() == before


@pytest.mark.compiled
def test_a_forked_child_runs_serially():
    """GNU's OpenMP ends a child that was forked after a launch."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    X, start = make_problem(50_000, 2, 3)
    expected = fastgmm.accumulate(X, start).log_likelihood
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns of fork in threaded processes
        child = os.fork()
    if child == 0:
        os._exit(0 if fastgmm.accumulate(X, start).log_likelihood == expected else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.compiled
@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_fits_from_several_python_threads(layer):
    """In a process of its own, because a fault here would abort the whole suite."""
    import subprocess
    import sys

    program = """
import threading, numpy as np, fastgmm
generator = np.random.default_rng(0)
X = np.concatenate([generator.normal(size=(60_000, 2)), 4 + generator.normal(size=(60_000, 2))])
expected = fastgmm.fit(X, 2, random_state=0).log_likelihood
values = []
def work():
    for _ in range(3):
        values.append(fastgmm.fit(X, 2, random_state=0).log_likelihood)
threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
assert values == [expected] * 12, values
import numba
assert numba.threading_layer() == %r
"""
    environment = {**os.environ, "NUMBA_THREADING_LAYER": layer}
    done = subprocess.run([sys.executable, "-c", program % layer], env=environment, capture_output=True, text=True)
    if layer == "omp" and "No threading layer could be loaded" in done.stderr:
        pytest.skip("no OpenMP here")
    assert done.returncode == 0, done.stderr


def test_statistics_add_up():
    X, start = make_problem(500, 3, 2)
    parts = fastgmm.accumulate(X[:123], start) + fastgmm.accumulate(X[123:], start)
    whole = fastgmm.accumulate(X, start)
    assert parts.n_samples == whole.n_samples
    assert parts.log_likelihood == pytest.approx(whole.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(parts.second_moments, whole.second_moments, rtol=1e-12, atol=1e-12)


def test_statistics_under_other_parameters_do_not_add_up():
    X, start = make_problem(100, 2, 2)
    moved = fastgmm.Mixture(start.weights, start.means + 1e-12, start.covariances)
    with pytest.raises(ValueError, match="centred on different means"):
        fastgmm.accumulate(X, start) + fastgmm.accumulate(X, moved)
    with pytest.raises(TypeError):
        fastgmm.accumulate(X, start) + 1


def test_buffers_of_earlier_fits_change_no_bit():
    """Small fits take the buffers of earlier ones, a fit inside another's callback included, and keep no rows."""
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=(300, 2)), 1e6 + 1e3 * rng.normal(size=(300, 2))
    inner = []

    def fit(X, **options):
        return fastgmm.fit(X, 3, random_state=0, max_iter=5, **options)

    start_buffers._starts._waiting.clear()
    first = fit(near)
    assert [len(waiting) for waiting in start_buffers._starts._waiting.values()] == [1]
    fit(far)
    outer = fit(near, callback=lambda state: inner.append(fit(far)) if state.iteration == 2 else None)
    for again in (outer, fit(near)):
        for name in ("weights", "means", "covariances"):
            np.testing.assert_array_equal(getattr(again.mixture, name), getattr(first.mixture, name))
        np.testing.assert_array_equal(again.trace, first.trace)
    start_buffers._starts._waiting.clear()
    np.testing.assert_array_equal(inner[0].mixture.means, fit(far).mixture.means)
    rows = near.copy()
    gone = weakref.ref(rows)
    fit(rows)
    del rows
    assert gone() is None


def test_no_more_than_some_sizes_of_buffers_are_kept(monkeypatch):
    monkeypatch.setattr(bench, "MOST_KEPT", 3)
    kept = bench._benches._waiting
    for waiting, init in ((kept, "random"), (start_buffers._starts._waiting, "kmeans")):
        waiting.clear()
        for n_components in range(1, 5):
            fastgmm.fit(np.arange(30.0), n_components, init=init, max_iter=1, reg_covar=1e-3)
        assert len(waiting) == 3
    fastgmm.fit(np.random.default_rng(0).normal(size=(40_000, 8)), 2, max_iter=1, random_state=0)
    assert all(each._buffers.n_bytes <= bench.KEPT_BYTES for waiting in kept.values() for each in waiting)
