"""Armadillo's `gmm_full` and `gmm_diag`: C++ (``armadillo.cpp``), compiled once a run."""

import ctypes
import tempfile
from pathlib import Path

import numpy as np

from bench.compare.peer import Parameters, Peer, output_of

LIBRARY = str(Path(tempfile.gettempdir()) / "armadillo.so")
FLAGS = ["-O3", "-march=native", "-fopenmp", "-shared", "-fPIC", "-DARMA_DONT_USE_WRAPPER", "-DARMA_NO_DEBUG"]


def versions():
    output_of("g++", *FLAGS, str(Path(__file__).with_suffix(".cpp")), "-o", LIBRARY, "-llapack", "-lblas")
    numbers = (ctypes.c_uint * 3)()
    ctypes.CDLL(LIBRARY).version(numbers)
    return {"armadillo": ".".join(map(str, numbers))}


def rounds(X, start, n_rounds, seed=-1, n_k_means=0):
    arrays = [np.array(each) for each in start[:3]]
    pointers = [ctypes.c_void_p(each.ctypes.data) for each in (X, *arrays)]
    full = start.covariance_type == "full"
    sizes = (*X.shape, len(start.weights), full)
    fit = ctypes.CDLL(LIBRARY).fit
    fit.restype = ctypes.c_bool
    if not fit(pointers[0], *sizes, *pointers[1:], seed, n_k_means, n_rounds):
        raise RuntimeError("learn() returned false")
    return Parameters(*arrays, start.covariance_type)


def whole(X, n_components, covariance_type, seed):
    means = np.zeros((n_components, X.shape[1]))
    ones = Parameters(np.full(n_components, 1.0 / n_components), means, np.ones(n_components), "spherical")
    room = Parameters.of_matrices(ones.weights, means, ones.matrices(), covariance_type)
    return rounds(X, room, 5, seed, 10)


PEER = Peer(
    name="armadillo",
    title="Armadillo",
    install="apt-get install libarmadillo-dev g++",
    versions=versions,
    rounds=rounds,
    whole=whole,
    structures=("full", "diag"),
    note="it has no defaults: whole fits are its manual's example, 10 rounds of k-means and 5 of EM",
)
