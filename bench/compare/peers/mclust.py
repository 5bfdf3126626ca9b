"""R's mclust, in an R process of its own (``mclust.R``)."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from bench.compare.peer import Parameters, Peer, output_of

MODELS = {"full": "VVV", "tied": "EEE", "diag": "VVI", "spherical": "VII"}
SCRATCH = Path(tempfile.gettempdir())


def versions():
    script = "cat(as.character(getRversion()), format(packageVersion('mclust')))"
    return dict(zip(("R", "mclust"), output_of("Rscript", "-e", script).split(), strict=True))


class Session:
    """R, with the rows; answers come in a file."""

    def __init__(self, X):
        X.tofile(SCRATCH / "rows")
        command = ["Rscript", str(Path(__file__).with_suffix(".R")), str(SCRATCH), *map(str, X.shape)]
        self.R = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.n_features = X.shape[1]
        self.R.stdout.readline()  # the rows are read

    def ask(self, task, number, k, covariance_type):
        print(task, number, k, MODELS[covariance_type], file=self.R.stdin, flush=True)
        if failure := self.R.stdout.readline().strip():
            raise RuntimeError(failure)
        weights, means, matrices = np.split(np.fromfile(SCRATCH / "answer"), [k, k * (1 + self.n_features)])
        means, matrices = means.reshape(k, -1), matrices.reshape(k, self.n_features, -1)
        return Parameters.of_matrices(weights, means, matrices, covariance_type)


def rounds(session, start, n_rounds):
    np.concatenate([start.weights, start.means.ravel(), start.matrices().ravel()]).tofile(SCRATCH / "start")
    return session.ask("rounds", n_rounds, len(start.weights), start.covariance_type)


PEER = Peer(
    name="mclust",
    title="mclust",
    install="apt-get install r-cran-mclust",
    versions=versions,
    rounds=rounds,
    whole=lambda session, k, covariance_type, seed: session.ask("whole", seed, k, covariance_type),
    threads=False,
    load=Session,
    process=lambda session: session.R.pid,
)
