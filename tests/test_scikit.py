"""The estimator against scikit-learn: its own test suite, its estimator checks, and its answers."""

import importlib.util
import os
import subprocess
import sys

import pytest
from sklearn.utils.estimator_checks import check_estimator

from fastgmm import GaussianMixture

STRUCTURES = ("full", "tied", "diag", "spherical")

# Tests of scikit-learn's suite that are left out, and why.
LEFT_OUT = {
    "test_suffstat_sk_full": "private helpers of scikit-learn's module",
    "test_suffstat_sk_tied": "private helpers of scikit-learn's module",
    "test_suffstat_sk_diag": "private helpers of scikit-learn's module",
    "test_gaussian_suffstat_sk_spherical": "private helpers of scikit-learn's module",
    "test_compute_log_det_cholesky": "private helpers of scikit-learn's module",
    "test_gaussian_mixture_log_probabilities": "private helpers of scikit-learn's module",
    "test_gaussian_mixture_n_parameters": "private method _n_parameters",
    "test_gaussian_mixture_aic_bic": "private method _n_parameters",
    "test_gaussian_mixture_precisions_init": "private methods _initialize and _set_parameters",
    "test_gaussian_mixture_all_init_does_not_estimate_gaussian_parameters": "mocks a private helper",
    "test_gaussian_mixture_array_api_compliance": "array API",
    "test_gaussian_mixture_raises_where_array_api_not_implemented": "array API",
}


@pytest.mark.compiled
def test_scikit_learns_own_suite_passes(tmp_path):
    origin = importlib.util.find_spec("sklearn.mixture.tests.test_gaussian_mixture").origin
    (tmp_path / "test_theirs.py").write_text(
        "from sklearn.mixture.tests.test_gaussian_mixture import *\n"
        "import sklearn.mixture.tests.test_gaussian_mixture as theirs\n"
        "from fastgmm import GaussianMixture\n"
        "theirs.GaussianMixture = GaussianMixture\n"
        f"for name in {sorted(LEFT_OUT)!r}:\n"
        "    del globals()[name]\n"
    )
    (tmp_path / "conftest.py").write_text("from sklearn.conftest import *\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "test_theirs.py"],
        cwd=tmp_path,
        env={**os.environ, "SKLEARN_RUN_FLOAT32_TESTS": "1"},
        capture_output=True,
        text=True,
    )
    assert origin
    assert done.returncode == 0, done.stdout[-4000:]
    # All of them ran: those of one structure each, and none was skipped.
    assert "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.filterwarnings("ignore:Estimator GaussianMixture does not inherit")
def test_estimator_checks_report_no_failure():
    results = check_estimator(GaussianMixture(), on_fail=None, on_skip=None)
    assert not [(each["check_name"], each["exception"]) for each in results if each["status"] == "failed"]
    assert len(results) > 30
