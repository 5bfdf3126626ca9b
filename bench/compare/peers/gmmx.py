"""GMMX: EM in JAX, in single precision."""

import os

import numpy as np

from bench.compare.peer import Parameters, Peer, version_of


def versions():
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import gmmx  # noqa: F401

    return version_of("gmmx") | version_of("jax")


def rounds(X, start, n_rounds):
    from gmmx import EMFitter, GaussianMixtureModelJax

    single = [np.asarray(each, np.float32) for each in (start.means, start.covariances, start.weights)]
    model = GaussianMixtureModelJax.from_squeezed(*single, covariance_type=start.covariance_type)
    return mixture(EMFitter(max_iter=n_rounds, tol=0.0, reg_covar=0.0).fit(X, model).gmm)


def whole(X, n_components, covariance_type, seed):
    from gmmx import GaussianMixtureSKLearn

    fitted = GaussianMixtureSKLearn(n_components, covariance_type, random_state=np.random.RandomState(seed)).fit(X)
    return mixture(fitted._gmm)


def mixture(model):
    return Parameters(
        model.weights_numpy, model.means_numpy, model.covariances.values_numpy, model.covariances.type.value
    )


PEER = Peer(
    name="gmmx",
    title="GMMX",
    install="pip install gmmx",
    versions=versions,
    rounds=rounds,
    whole=whole,
    structures=("full", "diag"),
    dtypes=("float32",),
    note="in single precision, whole fits too",
)
