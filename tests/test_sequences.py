"""Any sequence of calls, on one estimator and by hand: results without NaN, or one sentence of what is wrong."""

import os
import warnings

import hypothesis
import numpy as np
from hypothesis import strategies as st

import fastgmm
from fastgmm import GaussianMixture
from fastgmm._numba.options import JIT_ENABLED

STRUCTURES = ("full", "tied", "diag", "spherical")
# 12 calls each.
EXAMPLES = int(os.environ.get("FASTGMM_EXAMPLES", "60")) if JIT_ENABLED else 10
SCALES = (1.0, 1.0, 1e5, 1e-20, 1e20, 1e-150, 1e150)
WEIGHTS = (0.0, 1e-320, 1e-200, 1.0, 1e200, 1e300)
LAYOUTS = (np.ascontiguousarray, np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2])


def rows(generator):
    """Return rows of a random shape, scale, dtype and layout, with ties now and then."""
    scale = SCALES[generator.integers(len(SCALES))]
    dtype = np.float32 if scale < 1e30 and scale > 1e-30 and generator.random() < 0.4 else np.float64
    X = scale * generator.normal(size=(generator.integers(1, 30), generator.integers(1, 5)))
    if generator.random() < 0.2:
        X[:3] = X[0]
    return LAYOUTS[generator.integers(len(LAYOUTS))](X.astype(dtype))


def reconfigure(generator, model):
    """Set parameters of the estimator."""
    model.set_params(
        n_components=int(generator.integers(1, 4)),
        covariance_type=STRUCTURES[generator.integers(4)],
        warm_start=bool(generator.integers(2)),
        reg_covar=(0.0, 1e-6, "auto")[generator.integers(3)],
    )


def fit(generator, model):
    """Fit the estimator, with weights of any size now and then."""
    X = rows(generator)
    weights = None if generator.random() < 0.7 else generator.choice(WEIGHTS, size=len(X))
    model.fit(X, sample_weight=weights)
    return [model.weights_, model.means_, model.covariances_, model.precisions_cholesky_]


def infer(generator, model):
    """Ask the estimator about other rows."""
    X = rows(generator)
    return [model.predict_proba(X), model.predict(X)]


def judge(generator, model):
    """Ask for numbers; rows too far for a density count as minus infinity."""
    X = rows(generator)
    assert not np.isnan([model.score(X), model.bic(X)]).any()
    return [model.sample(2)[0]]


def tamper(generator, model):
    """Overwrite what was fitted, as users do."""
    name = ("weights_", "means_", "covariances_")[generator.integers(3)]
    if hasattr(model, name):
        value = getattr(model, name)
        factor = (1.0, 0.0, 1e5, 1e-300, 1e300)[generator.integers(5)]
        with np.errstate(all="ignore"):
            setattr(model, name, value[:1] if generator.random() < 0.5 else value * factor)


def by_hand(generator, model):
    """Fit by the front door, then do a round by hand."""
    X, n_components = rows(generator), int(generator.integers(1, 4))
    structure = STRUCTURES[generator.integers(4)]
    fitted = fastgmm.fit(X, n_components, covariance_type=structure, random_state=0, max_iter=4).mixture
    mixture = fastgmm.maximize(fastgmm.accumulate(X, fitted) + fastgmm.accumulate(X[::-1], fitted))
    return [mixture.weights, mixture.means, mixture.covariances, mixture.responsibilities(X)]


CALLS = (reconfigure, fit, fit, infer, judge, tamper, by_hand)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(seed=st.integers(0, 2**32 - 1), calls=st.lists(st.sampled_from(CALLS), min_size=12, max_size=12))
def test_any_sequence_of_calls_gives_results_or_one_sentence(seed, calls):
    generator = np.random.default_rng(seed)
    model = GaussianMixture(2, random_state=0, max_iter=5)
    for call in calls:
        arrays, refusal = [], None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                arrays = call(generator, model) or []
            except (ValueError, TypeError) as error:
                refusal = error
        assert type(refusal) is not np.linalg.LinAlgError
        assert refusal is None or (str(refusal) and "\n" not in str(refusal))
        for array in arrays:
            assert np.isfinite(array).all()
