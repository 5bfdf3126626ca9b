"""What is compared: problems for rounds, and problems for whole fits."""

from dataclasses import dataclass

from bench.cases import CASES, Case


@dataclass(frozen=True)
class Grid:
    """Cases of both tables, and how many seeds whole fits are started from."""

    rounds: tuple[Case, ...]
    fits: tuple[Case, ...]
    n_seeds: int


GRIDS = {
    "small": Grid(
        rounds=(
            Case(100_000, 2, 4),
            Case(50_000, 8, 8),
            Case(50_000, 8, 8, "diag"),
            Case(50_000, 8, 8, dtype="float32"),
        ),
        fits=(Case(100_000, 2, 4), Case(50_000, 8, 8)),
        n_seeds=5,
    ),
    "full": Grid(
        rounds=tuple(case for case in CASES.values() if case.order == "C" and case.n_features <= 64),
        fits=(
            Case(100_000, 2, 4),
            Case(50_000, 8, 8),
            Case(50_000, 8, 8, separation=1.0),
            Case(20_000, 16, 16, "diag"),
        ),
        n_seeds=5,
    ),
}
