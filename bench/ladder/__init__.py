"""From the blog's loop to fastgmm, one idea a rung; ``docs/ladder.md`` walks through it.

Every rung is a file with a function ``em_round(X, weights, means, covariances)`` that returns new weights (K,), means
(K, D) and covariances (K, D, D) and the log-likelihood of the old ones, in nats. A rung imports what it does not
change from the rungs below, and nothing from fastgmm before the last.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

NAMES = (
    "r00_blog_loop",
    "r01_pure_python",
    "r02_njit",
    "r03_vectorised",
    "r04_cholesky",
    "r05_log_domain",
    "r06_fused",
    "r07_lanes",
    "r08_vector_exp",
    "r09_register_tiles",
    "r10_parallel",
    "r11_fastgmm",
)
# Their time for a row is counted in microseconds and more, so that they are verified on few rows.
SLOW = NAMES[:2]
# Their threads, or those of BLAS, spin for a while after their work, and would take part in what comes next.
THREADED = ("r03_vectorised", "r10_parallel", "r11_fastgmm")


@dataclass(frozen=True)
class Rung:
    """One step of the ladder."""

    name: str
    module: ModuleType

    @property
    def em_round(self) -> Callable:
        """The round it does."""
        return self.module.em_round

    @property
    def idea(self) -> str:
        """What it adds: the first line of its file, after the number."""
        assert self.module.__doc__ is not None
        return self.module.__doc__.splitlines()[0].split(": ")[1].rstrip(".")

    @property
    def loop(self) -> Callable | None:
        """The compiled function in which the time goes, if the rung has one of its own."""
        for name in ("em_pass_parallel", "em_pass", "e_step"):
            if hasattr(self.module, name):
                return getattr(self.module, name)
        return None


def rungs(names: tuple[str, ...] = NAMES) -> list[Rung]:
    """Import the rungs of these names."""
    return [Rung(name, importlib.import_module(f"bench.ladder.{name}")) for name in names]
