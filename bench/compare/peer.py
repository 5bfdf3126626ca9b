"""What an adapter in ``bench/compare/peers`` declares. Nothing here imports a peer."""

import importlib.metadata
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np


class Parameters(NamedTuple):
    """Parameters as they travel between processes; shapes and names are those of ``fastgmm.Mixture``."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    covariance_type: str

    @classmethod
    def of_matrices(cls, weights, means, matrices, covariance_type: str) -> Self:
        """From covariance matrices (K, D, D), whatever the structure."""
        matrices = np.asarray(matrices)
        covariances = {
            "full": matrices,
            "tied": matrices[0],
            "diag": np.diagonal(matrices, axis1=1, axis2=2),
            "spherical": matrices[:, 0, 0],
        }[covariance_type]
        return cls(np.ravel(weights), np.asarray(means), covariances, covariance_type)

    def matrices(self) -> np.ndarray:
        """Covariance matrices (K, D, D)."""
        k, d = self.means.shape
        if self.covariance_type in ("full", "tied"):
            return np.broadcast_to(self.covariances, (k, d, d)).copy()
        return np.reshape(self.covariances, (k, -1, 1)) * np.eye(d)


class Answer(NamedTuple):
    """What a worker sends of a fit; megabytes are the most that it took beyond its rows, None where /proc is not."""

    seconds: float
    megabytes: float | None
    mixture: Parameters


@dataclass(frozen=True)
class Peer:
    """Who is compared, and what it can do. Its functions run in its own process (``bench/compare/worker.py``).

    Attributes
    ----------
    name, title : str
        As ``--peer`` takes it, and as tables show it.
    install : str
        The command that installs it.
    versions : callable
        ``versions()`` imports it and returns names and versions; ImportError if it is not installed.
    whole : callable
        ``whole(rows, n_components, covariance_type, seed)``: a fit with its own defaults, start included.
    rounds : callable or None
        ``rounds(rows, start, n_rounds)``: so many rounds of EM from a `Parameters`, without a regulariser. None if it
        takes no explicit start, or does not count rounds; then only whole fits are compared.
    structures, dtypes : tuple of str
        Covariance structures, and dtypes of rows that it computes in.
    threads : bool
        Whether it uses more than one thread.
    note : str
        What a reader of its rows should know.
    load : callable
        ``load(X)`` makes rows (N, D) in C order into what the peer works on, once per problem.
    process : callable
        ``process(rows)`` is the id of the process whose memory counts: its own, or that of a program it talks to.
    """

    name: str
    title: str
    install: str
    versions: Callable[[], dict[str, str]]
    whole: Callable[[Any, int, str, int], Parameters]
    rounds: Callable[[Any, Parameters, int], Parameters] | None = None
    structures: tuple[str, ...] = ("full", "tied", "diag", "spherical")
    dtypes: tuple[str, ...] = ("float64",)
    threads: bool = True
    note: str = ""
    load: Callable[[np.ndarray], Any] = lambda X: X
    process: Callable[[Any], int] = lambda rows: os.getpid()

    @property
    def module(self) -> str:
        """The adapter, for the worker to import."""
        return self.whole.__module__

    def applies(self, covariance_type: str, dtype: str) -> bool:
        """Whether it can do a problem."""
        return covariance_type in self.structures and dtype in self.dtypes


def version_of(package: str) -> dict[str, str]:
    """Name and version of an installed distribution; ImportError if it is not."""
    return {package: importlib.metadata.version(package)}


def output_of(*command: str) -> str:
    """Return what a program says that a peer needs; ImportError if it is missing or fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except OSError:
        raise ImportError(f"no {command[0]}") from None
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if "rror" in line] or ["it failed"]
        raise ImportError(f"{command[0]}: {said[0].strip()}") from None
