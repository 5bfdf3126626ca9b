"""Peak memory of a default fit beyond its data, in a process of its own: ``python -m bench.memory N D K ORDER``."""

import sys

import fastgmm
from bench.cases import Case
from bench.resident import release_free_heap, resident, watcher


def main():
    n_samples, n_features, n_components = map(int, sys.argv[1:4])
    case = Case(n_samples, n_features, n_components, order=sys.argv[4])
    fastgmm.warmup()
    X, _ = case.problem()
    fastgmm.fit(X[:100_000], n_components, max_iter=2, random_state=0)
    release_free_heap()
    before = resident()
    with watcher() as watch:
        fastgmm.fit(X, n_components, random_state=0)
    print(watch.peak - before)


if __name__ == "__main__":
    main()
