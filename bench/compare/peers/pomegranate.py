"""pomegranate's `GeneralMixtureModel` of `Normal`s, on PyTorch."""

import numpy as np

from bench.compare.peer import Parameters, Peer, version_of


def versions():
    import pomegranate.gmm  # noqa: F401

    return version_of("pomegranate") | version_of("torch")


def load(X):
    import torch

    return torch.from_numpy(X)


def rounds(X, start, n_rounds):
    import torch

    weights, means, covariances = (torch.tensor(np.asarray(each)).to(X.dtype) for each in start[:3])
    # It stops where the log-likelihood grows by less than tol.
    exact = {"priors": weights, "max_iter": n_rounds, "tol": -np.inf}
    return fitted(X, start.covariance_type, zip(means, covariances, strict=True), **exact)


def whole(X, n_components, covariance_type, seed):
    return fitted(X, covariance_type, [()] * n_components, random_state=seed)


def fitted(X, covariance_type, starts, **options):
    from pomegranate.distributions import Normal
    from pomegranate.gmm import GeneralMixtureModel

    normals = [Normal(*start, covariance_type=covariance_type) for start in starts]
    model = GeneralMixtureModel(normals, **options).fit(X)
    means, covariances = (np.array([getattr(each, name).numpy() for each in normals]) for name in ("means", "covs"))
    return Parameters(model.priors.numpy(), means, covariances, covariance_type)


PEER = Peer(
    name="pomegranate",
    title="pomegranate",
    install="pip install pomegranate torch",
    versions=versions,
    rounds=rounds,
    whole=whole,
    structures=("full", "diag"),
    dtypes=("float64", "float32"),
    load=load,
)
