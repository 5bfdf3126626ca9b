"""Any sequence of calls, on one estimator and by hand: results without NaN, or one sentence of what is wrong."""

import os
import pickle
import warnings

import hypothesis
import numpy as np
from hypothesis import strategies as st

import fastgmm
from fastgmm import GaussianMixture, Mixture
from fastgmm._numba.options import JIT_ENABLED
from fastgmm.model.structures import NAMES

# 12 calls each.
EXAMPLES = int(os.environ.get("FASTGMM_EXAMPLES", "60")) if JIT_ENABLED else 10
# Those of mclust are compiled one by one, and take the compiler long: a longer look has all of them.
STRUCTURES = ("full", "tied", "diag", "spherical", *(["VEV", "EVE"] if EXAMPLES <= 60 else NAMES))
SCALES = (1.0, 1.0, 1e5, 1e-20, 1e20, 1e-150, 1e150)
WEIGHTS = (0.0, 1e-320, 1e-200, 1.0, 1e200, 1e300)
LAYOUTS = (np.ascontiguousarray, np.asfortranarray, lambda X: np.repeat(X, 2, axis=0)[::2])


def drawn(generator, values):
    """Return one of the values."""
    return values[generator.integers(len(values))]


def rows(generator, gaps=0.0):
    """Return rows of a random shape, scale, dtype and layout, with ties and a share of `gaps` now and then."""
    scale = drawn(generator, SCALES)
    dtype = np.float32 if scale < 1e30 and scale > 1e-30 and generator.random() < 0.4 else np.float64
    X = scale * generator.normal(size=(generator.integers(1, 30), generator.integers(1, 5)))
    if generator.random() < 0.2:
        X[:3] = X[0]
    if gaps and generator.random() < 0.5:
        X[generator.random(X.shape) < gaps] = np.nan
    return drawn(generator, LAYOUTS)(X.astype(dtype))


def reconfigure(generator, model):
    """Set parameters of the estimator."""
    model.set_params(
        n_components=int(generator.integers(1, 4)),
        covariance_type=drawn(generator, STRUCTURES),
        warm_start=bool(generator.integers(2)),
        reg_covar=drawn(generator, (0.0, 1e-6, 1.0)),
        missing=drawn(generator, ("error", "marginal")),
        acceleration=drawn(generator, ("none", "quasi-newton")),
        max_iter=drawn(generator, (0, 1, 5, 20)),
        n_threads=drawn(generator, (None, 1, 16)),
    )


def fit(generator, model):
    """Fit the estimator, with weights of any size now and then."""
    X = rows(generator, 0.2)
    weights = None if generator.random() < 0.7 else generator.choice(WEIGHTS, size=len(X))
    model.fit(X, sample_weight=weights)
    return [model.weights_, model.means_, model.covariances_, model.precisions_cholesky_]


def infer(generator, model):
    """Ask the estimator about other rows."""
    X = rows(generator, 0.2)
    return [model.predict_proba(X), model.predict(X)]


def judge(generator, model):
    """Ask for numbers; rows too far for a density count as minus infinity."""
    X = rows(generator)
    assert not np.isnan([model.score(X), model.bic(X)]).any()
    return [model.sample(2)[0]]


def go_on(generator, model):
    """Fit to rows that come once, or be another object with the same memory."""
    if generator.random() < 0.5:
        vars(model).update(vars(pickle.loads(pickle.dumps(model))))
        return []
    model.partial_fit(rows(generator))
    return [model.weights_, model.means_, model.covariances_, model.precisions_cholesky_]


def question(generator, model):
    """Ask for certainty, expectations, parts of the mixture, and what these say of one feature."""
    mixture = Mixture.from_sklearn(model)
    X, marginal = rows(generator, 0.2), {"missing": "marginal"}
    feature = int(generator.integers(mixture.n_features))
    part = mixture.merge(0, 1) if mixture.n_components > 1 and generator.random() < 0.5 else mixture.sort("weights")
    if mixture.n_features > 1 and generator.random() < 0.5:
        part = part.conditional({feature: 1.0})
    one = part.marginal(0)
    probabilities = one.cdf(np.append(X[:, 0], [-np.inf, np.inf]))
    probabilities = probabilities[~np.isnan(probabilities)]
    assert ((probabilities >= 0.0) & (probabilities <= 1.0)).all()
    points = one.quantile([1e-300, 0.1, 0.5, 0.9])
    assert (np.diff(points) >= 0.0).all()
    answers = [points, one.isf(1e-300), one.crossings(), part.means, part.full_covariances()]
    assert not np.isnan([mixture.icl(X, **marginal), mixture.entropy(X, **marginal)]).any()
    assert (mixture.uncertainty(X, **marginal) <= 1.0 - 1.0 / mixture.n_components + 1e-6).all()
    return [*answers, mixture.impute(X)]


def choose(generator, model):
    """Fit several mixtures, and keep the best."""
    X = rows(generator, 0.2)
    structures = list(dict.fromkeys(drawn(generator, STRUCTURES) for _ in range(2)))
    options = {"acceleration": model.acceleration, "missing": model.missing, "random_state": 0, "max_iter": 3}
    criterion = drawn(generator, ("bic", "aic", "icl"))
    selection = fastgmm.select(X, [1, 2], structures, criterion=criterion, **options)
    order = [getattr(candidate, criterion) for candidate in selection.candidates if candidate.result]
    assert order == sorted(order)
    return [selection.best.mixture.means, selection.best.mixture.covariances]


def tamper(generator, model):
    """Overwrite what was fitted, as users do."""
    name = ("weights_", "means_", "covariances_")[generator.integers(3)]
    if hasattr(model, name):
        value = getattr(model, name)
        factor = (1.0, 0.0, 1e5, 1e-300, 1e300)[generator.integers(5)]
        with np.errstate(all="ignore"):
            setattr(model, name, np.atleast_1d(value)[:1] if generator.random() < 0.5 else value * factor)


def by_hand(generator, model):
    """Fit by the front door, then do a round by hand."""
    X, n_components = rows(generator), int(generator.integers(1, 4))
    structure = drawn(generator, STRUCTURES)
    fitted = fastgmm.fit(X, n_components, covariance_type=structure, random_state=0, max_iter=4).mixture
    mixture = fastgmm.maximize(fastgmm.accumulate(X, fitted) + fastgmm.accumulate(X[::-1], fitted))
    return [mixture.weights, mixture.means, mixture.covariances, mixture.responsibilities(X)]


def fitted_attributes(model):
    """Return what a fit has left, by name."""
    return {name: value for name, value in vars(model).items() if name.endswith("_")}


CALLS = (reconfigure, fit, fit, infer, judge, go_on, question, choose, tamper, by_hand)


@hypothesis.settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(seed=st.integers(0, 2**32 - 1), calls=st.lists(st.sampled_from(CALLS), min_size=12, max_size=12))
def test_any_sequence_of_calls_gives_results_or_one_sentence(seed, calls):
    generator = np.random.default_rng(seed)
    model = GaussianMixture(2, random_state=0, max_iter=5)
    for call in calls:
        arrays, refusal, before = [], None, fitted_attributes(model)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                arrays = call(generator, model) or []
            except (ValueError, TypeError) as error:
                refusal = error
        assert type(refusal) is not np.linalg.LinAlgError
        if refusal is not None:
            assert str(refusal)
            assert "\n" not in str(refusal)
            after = fitted_attributes(model)
            assert before.keys() == after.keys()
            assert all(after[name] is before[name] for name in before)
        for array in arrays:
            assert np.isfinite(array).all()
