"""Rows that are read anew in each pass, with the next ones read while these are computed."""

from __future__ import annotations

import functools
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...kernels.sizes import MAX_ROWS
from ...model.parameters import Parameters
from ...model.plan import Plan, plan_of
from ...model.regulariser import Regulariser
from ..evaluate import evaluate_rows
from ..launch.cutter import Cutter, Piece
from ..launch.pieces import COPY_BYTES, sum_of_parts
from ..launch.work import UNWEIGHTED
from ..run import Run
from ..source import ICL, READING, SAMPLE, SCATTER, VARIANCES, Columns, Sample, Scatter, Start, Underway, Watch
from ..start.sample import Sampling, sample_of
from .ahead import AHEAD, made_ahead
from .chunks import Chunks
from .columns import ColumnMoments
from .counting import count
from .run import ChunkedRun

Array = NDArray[np.float64]


class ChunkedSource:
    """The rows of `chunks`, which are read once here: counted and checked.

    Of the rows it holds a few chunks at a time. All sums are those of an array of the same rows, to the bit: rows are
    cut into superblocks counted from the first, however they arrive.

    Raises
    ------
    TypeError, ValueError
        If chunks are not what they may be, or there are no rows.
    """

    # There is no array of all weights; kernels get those of each piece.
    weights = UNWEIGHTED

    def __init__(self, chunks: Chunks, n_threads: int | None = None, watch: Watch | None = None) -> None:
        self._chunks, self._n_threads, self._watch = chunks, n_threads, watch
        self._columns: Columns | None = None
        self._scatter: Scatter | None = None
        self.n_samples, self.busy = 0, 0.0
        counted = count(chunks, lambda n_seen: self._tell(READING, 1, n_seen))
        self.n_samples, self.n_counted, self.total_weight, self.weight_exponent = counted[:4]
        self._weighted, self._ranges = counted.weighted, counted.ranges

    @property
    def n_features(self) -> int:
        """Number of features, D."""
        return self._chunks.n_features

    @property
    def dtype(self) -> Any:
        """What the rows are computed in."""
        return self._chunks.dtype

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Names of the features, if they have any."""
        return self._chunks.feature_names

    @contextmanager
    def pieces(self, unit: int, stage: str, number: int) -> Iterator[Iterator[Piece]]:
        """Yield all rows in pieces of whole superblocks of `unit` rows; what goes on is told as pass `number`."""
        began = time.perf_counter()
        with made_ahead(self._cut(unit)) as pieces:
            yield self._told(pieces, stage, number)
        self.busy = pieces.busy / (time.perf_counter() - began)

    def _told(self, pieces: Iterable[Piece], stage: str, number: int) -> Iterator[Piece]:
        n_seen = 0
        self._tell(stage, number, 0)
        for piece in pieces:
            n_seen = piece.first + len(piece.x)
            if n_seen > self.n_samples:  # there are no labels for these
                raise ValueError(f"X had {self.n_samples} rows when it was read first, and now more")
            yield piece
            self._tell(stage, number, n_seen)
        if not n_seen:
            raise ValueError(
                f"X had {self.n_samples} rows when it was read first, and now none: it can be read only once, it "
                "seems; pass a function that makes a new one, or give the chunks to GaussianMixture.partial_fit"
            )
        if n_seen < self.n_samples:
            raise ValueError(f"X had {self.n_samples} rows when it was read first, and now {n_seen}")

    def _cut(self, unit: int) -> Generator[Piece]:
        d, itemsize = self.n_features, self.dtype.itemsize
        cutter = Cutter(unit, d, self.dtype, least=COPY_BYTES // (itemsize * d), n_buffers=AHEAD + 1)
        for X, weights in self._chunks():
            if self.weight_exponent:
                weights = np.ldexp(weights, -self.weight_exponent)
            yield from cutter.cut(X, weights)
        yield from cutter.rest()

    def _tell(self, stage: str, number: int, n_seen: int) -> None:
        if self._watch is not None:
            self._watch(Underway(stage, number, n_seen, max(n_seen, self.n_samples)))

    def moments(self) -> Columns:
        """Return the moments of the columns; rows without weight do not count."""
        if self._columns is None:
            plan = plan_of("diag", 1, self.n_features, self.dtype)
            moments = ColumnMoments(*self._ranges, self.total_weight, self._n_threads)
            number = 0
            while not moments.are_known:
                number += 1
                with self.pieces(plan.rows, VARIANCES, number) as pieces:
                    moments.add(pieces)
            self._columns = moments.finish()
        return self._columns

    def sample(self, size: int, seed: int) -> Sample:
        """Return all rows if there are no more than `size`, else so many that count, see `start.sample.Sampling`."""
        return sample_of(size, self.n_samples, self._weighted, functools.partial(self._sampled, size, seed))

    def _sampled(self, size: int, seed: int, bound: float) -> Sampling:
        sampling = Sampling(size, seed, self.n_features, self.dtype, bound=bound)
        with self.pieces(MAX_ROWS, SAMPLE, 1) as pieces:
            for piece in pieces:
                sampling.add(piece.x, piece.weights, self._n_threads)
        return sampling

    def total_surprisal(self, parameters: Parameters) -> float:
        """Return the sum of -ln of each row's largest responsibility, with weights in the unit they were given in."""
        with self.pieces(MAX_ROWS, ICL, 1) as pieces:
            return float(np.ldexp(sum_of_parts(self._surprisals(pieces, parameters)), self.weight_exponent))

    def _surprisals(self, pieces: Iterable[Piece], parameters: Parameters) -> Iterator[Array]:
        for piece in pieces:
            numbers = evaluate_rows(piece.x, parameters, self._n_threads, "surprisal").astype(np.float64)
            yield piece.weights * numbers if len(piece.weights) else numbers

    def begin_whole(self, plan: Plan, reg_covar: float | str, generator: np.random.Generator, only_few: bool) -> None:
        """Return None: nothing is done at once."""
        return

    def begin(self, plan: Plan, start: Start, regulariser: Regulariser) -> ChunkedRun:
        """Return a run that begins from `start`, with `regulariser` in every M step."""
        kind = ChunkedRun
        if plan.is_long(self.n_samples):
            from ..pruning.run import chunked_run_for

            kind = chunked_run_for(plan)
        return kind(
            plan,
            self._n_threads,
            self,
            start,
            n_samples=self.n_samples,
            regulariser=regulariser,
            first=self._ranges.first,
            spread=None if isinstance(start, Parameters) else self.moments().deviations,
            scatter=self._total_scatter,
        )

    def _total_scatter(self) -> Scatter:
        """Return the total scatter; summed once for all restarts."""
        if self._scatter is None:
            plan = plan_of("tied", 1, self.n_features, self.dtype)
            run = Run(plan, self._n_threads)
            run.hold()
            run.give(self._ranges.first, self.moments().deviations, 2)
            # The second pass is about the mean, which the first one finds.
            for number in (1, 2):
                run.advance(0)
                with self.pieces(plan.rows, SCATTER, number) as pieces:
                    for piece in pieces:
                        run.add(piece.x, piece.weights, labels=np.zeros(len(piece.x), np.int64))
                run.added_all()
                run.advance(0)
            self._scatter = Scatter(run.state.second[0].copy(), run.state.centers[0].copy())
            run.close()
        return self._scatter
