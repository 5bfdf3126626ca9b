"""scikit-learn's `GaussianMixture` interface and its contract; scikit-learn itself is not needed."""
