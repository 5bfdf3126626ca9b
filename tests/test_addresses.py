"""Kernels by address: what may be passed to one, and which arguments meet the same compiled code."""

import gc
import threading
from typing import Any, NamedTuple

import numpy as np
import pytest

from fastgmm._numba.addresses import _kind, _rare_collections, by_address
from fastgmm._numba.options import JIT_ENABLED, _compile, driver, prange
from fastgmm._numba.pointers import kind_of, member, packed, placed


class Pair(NamedTuple):
    left: np.ndarray
    right: np.ndarray


class Twins(NamedTuple):
    """The same fields as a `Pair`."""

    left: np.ndarray
    right: np.ndarray


class Nested(NamedTuple):
    pair: Pair
    scale: np.ndarray


class Steps(NamedTuple):
    """Addresses of two different signatures."""

    first: Any
    second: Any


@_compile
def dot(pair, out):
    total = 0.0
    for i in range(pair.left.shape[0]):
        total += pair.left[i] * pair.right[i]
    out[0] = total
    return 1


@_compile
def scaled_dot(run, nested, out):
    status = run(nested.pair, out)
    out[0] *= nested.scale[0]
    return status


@_compile
def both(steps, nested, out):
    return steps.first(nested.pair, out) + 2 * steps.second(steps.first, nested, out[1:])


@_compile
def call(run, steps, nested, out):
    return run(steps, nested, out)


@driver
def dots(run, pair, outs):
    for i in prange(outs.shape[0]):
        run(pair, outs[i])


@_compile
def launch(parallel, run, pair, outs):
    parallel(run, pair, outs)


def make(dtype=np.float64, kind=Pair):
    return kind(np.arange(3, dtype=dtype), np.ones(3, dtype))


def test_nested_tuples_addresses_and_tuples_of_addresses():
    nested = Nested(make(), np.array([10.0]))
    out = np.zeros(2)
    first = by_address(dot, nested.pair, out)
    second = by_address(scaled_dot, first, nested, out)
    assert scaled_dot(first, nested, out) == 1
    assert out[0] == 30.0
    steps = Steps(first, second)
    assert both(steps, nested, out) == 3
    np.testing.assert_array_equal(out, [3.0, 30.0])
    out[:] = 0.0
    assert call(by_address(both, steps, nested, out), steps, nested, out) == 3
    np.testing.assert_array_equal(out, [3.0, 30.0])


def test_a_driver_by_address_inside_an_entry():
    pair, outs = make(), np.zeros((5, 1))
    run = by_address(dot, pair, outs[0])
    parallel = by_address(dots, run, pair, outs)
    launch(parallel, run, pair, outs)
    np.testing.assert_array_equal(outs, np.full((5, 1), 3.0))


@pytest.mark.compiled
def test_the_same_kinds_of_arguments_have_one_address():
    out = np.zeros(1)
    assert by_address(dot, make(), out) is by_address(dot, Pair(np.ones(9), np.zeros(9)), np.zeros(7))


def read_only(array):
    array.flags.writeable = False
    return array


OTHERS = {
    "dtype of a field": (make(np.float32), np.zeros(1)),
    "class": (make(kind=Twins), np.zeros(1)),
    "one field read-only": (Pair(np.arange(3.0), read_only(np.ones(3))), np.zeros(1)),
    "one field strided": (Pair(np.arange(6.0)[::2], np.ones(3)), np.zeros(1)),
    "dtype beside the tuple": (make(), np.zeros(1, np.float32)),
}


@pytest.mark.compiled
@pytest.mark.parametrize("arguments", OTHERS.values(), ids=OTHERS)
def test_other_kinds_of_arguments_have_another_address(arguments):
    run, other = by_address(dot, make(), np.zeros(1)), by_address(dot, *arguments)
    assert other is not run
    # The type of the address is that of what was asked for: a call with anything else is refused, not misread.
    nested, out = Nested(arguments[0], np.array([10.0])), arguments[1]
    pair = arguments[0]
    assert scaled_dot(other, nested, out) == 1
    assert out[0] == pytest.approx(10.0 * float(pair.left @ pair.right))
    with pytest.raises(ValueError, match="mismatch of argument types"):
        scaled_dot(run, nested, out)


@pytest.mark.compiled
def test_order_and_dimensions_of_a_field_count():
    square = np.ones((3, 3))
    kinds = [_kind(Pair(x, x)) for x in (square, np.asfortranarray(square), square[0], square[:, :2])]
    assert len(set(kinds)) == len(kinds)


@pytest.mark.compiled
def test_nested_tuples_count_inside():
    scale = np.ones(1)
    assert _kind(Nested(make(), scale)) != _kind(Nested(make(np.float32), scale))
    assert _kind(Nested(make(), scale)) == _kind(Nested(make(), scale.copy()))


class Flat(NamedTuple):
    matrix: np.ndarray
    number: float
    count: int


class Held(NamedTuple):
    flat: Flat
    run: Any
    inner: Any


@_compile
def read(held):
    flat, inner = member(held, 0), member(held, 2)
    total = flat.number + flat.count
    for i in range(flat.matrix.shape[0]):
        for j in range(flat.matrix.shape[1]):
            total += flat.matrix[i, j]
    out = member(inner, 0)
    return total + member(held, 1)(Pair(out, out), out) + out[0]


@_compile
def read_other(held, first):
    return read(placed(held, first))


def test_contexts_hold_arrays_numbers_addresses_and_contexts():
    """They are written word for word as compiled code has them in memory."""
    vector, out, matrix = np.full(3, 2.0), np.empty(1), np.arange(12.0).reshape(4, 3)
    inner = (np.array([5.0, 1.0]), np.empty((2, 2)))
    held = Held(Flat(matrix, 0.25, 7), by_address(dot, Pair(vector, vector), out), packed(inner, kind_of(inner)))
    context = packed(held, kind_of(held))
    assert read(context) == matrix.sum() + 7.25 + 1.0 + 26.0
    other = (Flat(np.ones((2, 2)), -3.0, 1),)
    inner[0][:] = 0.0
    assert read_other(context, other) == 4.0 - 2.0 + 1.0


@pytest.mark.skipif(not JIT_ENABLED, reason="interpreted there are no words")
def test_what_is_not_made_of_words_has_no_context():
    values = (np.ones(1), True)
    with pytest.raises(TypeError, match="a context holds arrays, numbers, addresses and contexts, got bool"):
        packed(values, kind_of(values))


def test_compiling_leaves_the_garbage_collector_as_it_was():
    """Also in two threads, of which the first is done while the second compiles."""
    before = gc.get_threshold()
    inside, done = threading.Event(), threading.Event()

    def first():
        with _rare_collections():
            inside.set()
            done.wait(0.2)

    def second():
        inside.wait()
        with _rare_collections():
            assert gc.get_threshold()[0] >= 100_000
            done.set()
            threads[0].join(0.2)

    threads = [threading.Thread(target=function) for function in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert gc.get_threshold() == before
    with pytest.raises(KeyboardInterrupt), _rare_collections():
        raise KeyboardInterrupt
    assert gc.get_threshold() == before
