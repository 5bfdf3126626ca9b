"""The study's end of a worker: start it, ask it, and put into words what became of it."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from multiprocessing import Pipe
from pathlib import Path
from typing import Any, Self

from bench.compare.peer import Peer

ROOT = Path(__file__).parents[2]
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
)
# In seconds; the first answer of a peer may have to wait for its compiler.
PATIENCE = 180.0


class Missing(Exception):
    """A peer that is not installed; the text says what was not found."""


class Failure(Exception):
    """A peer that gave no answer; the text says in a few words what happened."""


class Worker:
    """A peer in a process of its own, to be used as a context.

    Parameters
    ----------
    peer : Peer
    n_threads : int
        Processors it is confined to, and what it is told through the environment.
    scratch : Path
        Its directory for temporary files.
    """

    def __init__(self, peer: Peer, n_threads: int, scratch: Path) -> None:
        self._log = tempfile.TemporaryFile("w+", dir=scratch, errors="replace")  # noqa: SIM115
        self._connection, theirs = Pipe()
        environment = {
            **os.environ,
            **dict.fromkeys(THREAD_VARIABLES, str(n_threads)),
            "CUDA_VISIBLE_DEVICES": "",
            "JAX_PLATFORMS": "cpu",
            "TMPDIR": str(scratch),
        }
        command = [sys.executable, "-m", "bench.compare.worker", peer.module, str(n_threads), str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # so that what it starts ends with it
        )
        theirs.close()

    def ask(self, name: str, *arguments: Any, patience: float = PATIENCE) -> Any:
        """Answer of the method `name` of `worker.Session`; Missing or Failure if there is none in so many seconds."""
        try:
            self._connection.send((name, *arguments))
            if not self._connection.poll(patience):
                raise Failure(f"no answer within {patience:g} s")
            kind, answer = self._connection.recv()
        except (EOFError, OSError):
            raise Failure(self._how_it_ended()) from None
        if kind == "missing":
            raise Missing(answer)
        if kind == "failed":
            raise Failure(answer)
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End it, and what it started."""
        if self._log.closed:
            return
        self._connection.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(10.0)
        except subprocess.TimeoutExpired:
            return "it closed the connection"
        self._log.seek(0)
        said = [line.strip() for line in self._log if line.strip()]
        how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{how}: {said[-1][:200]}" if said else how
