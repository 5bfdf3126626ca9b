"""OpenCV's `EM`, in the module ``ml`` that OpenCV 5 no longer has."""

import numpy as np

from bench.compare.peer import Parameters, Peer


def versions():
    import cv2
    from cv2.ml import EM_create  # noqa: F401

    return {"opencv": cv2.__version__}


def empty(n_components, covariance_type):
    import cv2

    mixture = cv2.ml.EM_create()
    mixture.setClustersNumber(n_components)
    mixture.setCovarianceMatrixType(getattr(cv2.ml, f"EM_COV_MAT_{STORAGE[covariance_type]}"))
    return mixture


def rounds(X, start, n_rounds):
    import cv2

    mixture = empty(len(start.weights), start.covariance_type)
    # It ends with an E step: a round more than M steps.
    mixture.setTermCriteria((cv2.TERM_CRITERIA_COUNT, n_rounds + 1, 0.0))
    # An array of three dimensions would be one of two with channels.
    matrices = cv2.Mat(start.matrices(), wrap_channels=False)
    mixture.trainE(X, start.means, matrices, start.weights[np.newaxis])
    return Parameters.of_matrices(mixture.getWeights(), mixture.getMeans(), mixture.getCovs(), start.covariance_type)


def whole(X, n_components, covariance_type, seed):
    import cv2

    cv2.setRNGSeed(seed)
    mixture = empty(n_components, covariance_type)
    mixture.trainEM(X)
    return Parameters.of_matrices(mixture.getWeights(), mixture.getMeans(), mixture.getCovs(), covariance_type)


STORAGE = {"full": "GENERIC", "diag": "DIAGONAL", "spherical": "SPHERICAL"}
PEER = Peer(
    name="opencv",
    title="OpenCV",
    install="pip install 'opencv-python-headless<5'",
    versions=versions,
    rounds=rounds,
    whole=whole,
    structures=tuple(STORAGE),
    threads=False,
    note="spherical: its log-determinant counts one of the D equal variances",
)
