"""fastgmm itself: a peer like the others, and the one that multiples are taken of."""

import fastgmm
from bench.compare.peer import Parameters, Peer, version_of


def rounds(X, start, n_rounds):
    # With tol=0 no change is below the tolerance, so the rounds are exactly n_rounds.
    explicit = fastgmm.Mixture(start.weights, start.means, start.covariances, start.covariance_type)
    return fitted(
        X, len(start.weights), start.covariance_type, init=explicit, tol=0.0, max_iter=n_rounds, reg_covar=0
    )


def whole(X, n_components, covariance_type, seed):
    return fitted(X, n_components, covariance_type, random_state=seed)


def fitted(X, n_components, covariance_type, **options):
    parameters = fastgmm.fit(X, n_components, covariance_type=covariance_type, **options).mixture
    return Parameters(parameters.weights, parameters.means, parameters.covariances, covariance_type)


PEER = Peer(
    name="fastgmm",
    title="fastgmm",
    install="pip install .",
    versions=lambda: {"fastgmm": fastgmm.__version__, **version_of("numba")},
    rounds=rounds,
    whole=whole,
    dtypes=("float64", "float32"),
)
