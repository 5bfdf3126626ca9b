"""scikit-learn's `GaussianMixture`."""

import warnings

import numpy as np

from bench.compare.peer import Parameters, Peer, version_of


def rounds(X, start, n_rounds):
    matrices = start.covariance_type in ("full", "tied")
    return fitted(
        X,
        start.covariance_type,
        n_components=len(start.weights),
        # In the dtype of the rows: a start in double would make it compute float32 rows in double.
        weights_init=start.weights.astype(X.dtype),
        means_init=start.means.astype(X.dtype),
        precisions_init=(np.linalg.inv(start.covariances) if matrices else 1.0 / start.covariances).astype(X.dtype),
        tol=0.0,
        reg_covar=0.0,
        max_iter=n_rounds,
    )


def whole(X, n_components, covariance_type, seed):
    return fitted(X, covariance_type, n_components=n_components, random_state=seed)


def fitted(X, covariance_type, **options):
    from sklearn.mixture import GaussianMixture

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ConvergenceWarning: rounds are counted
        mixture = GaussianMixture(covariance_type=covariance_type, **options).fit(X)
    return Parameters(mixture.weights_, mixture.means_, mixture.covariances_, covariance_type)


PEER = Peer(
    name="scikit-learn",
    title="scikit-learn",
    install="pip install scikit-learn",
    versions=lambda: version_of("scikit-learn"),
    rounds=rounds,
    whole=whole,
    dtypes=("float64", "float32"),
)
