"""oneDAL's EM, through the daal4py that scikit-learn-intelex brings."""

import numpy as np

from bench.compare.peer import Parameters, Peer, version_of


def rounds(X, start, n_rounds):
    covariances = [np.ascontiguousarray(np.atleast_2d(covariance)) for covariance in start.covariances]
    explicit = (np.atleast_2d(start.weights), start.means, covariances)
    exact = {"maxIterations": n_rounds, "accuracyThreshold": 0.0, "regularizationFactor": 0.0}
    return fitted(X, len(start.weights), start.covariance_type, explicit, **exact)


def whole(X, n_components, covariance_type, seed):
    import daal4py

    options = {"nComponents": n_components, "covarianceStorage": STORAGE[covariance_type]}
    start = daal4py.em_gmm_init(engine=daal4py.engines_mt19937(seed=seed), **options).compute(X)
    return fitted(X, n_components, covariance_type, (start.weights, start.means, start.covariances))


def fitted(X, n_components, covariance_type, start, **options):
    import daal4py

    mixture = daal4py.em_gmm(nComponents=n_components, covarianceStorage=STORAGE[covariance_type], **options)
    result = mixture.compute(X, *start)
    covariances = (
        np.array(result.covariances).squeeze(1) if covariance_type == "diag" else np.array(result.covariances)
    )
    return Parameters(np.ravel(result.weights), result.means, covariances, covariance_type)


STORAGE = {"full": "full", "diag": "diagonal"}
PEER = Peer(
    name="onedal",
    title="oneDAL",
    install="pip install scikit-learn-intelex",
    versions=lambda: __import__("daal4py") and version_of("scikit-learn-intelex"),
    rounds=rounds,
    whole=whole,
    structures=tuple(STORAGE),
)
