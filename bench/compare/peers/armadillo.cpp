// Armadillo's gmm_full and gmm_diag behind one C function; armadillo.py compiles and calls it.
#include <armadillo>

extern "C" void version(unsigned* out) {
    out[0] = arma::arma_version::major;
    out[1] = arma::arma_version::minor;
    out[2] = arma::arma_version::patch;
}

// From the parameters that the model has or, where there is a seed, by k-means from rows drawn with it.
template <class Model>
bool learn(Model& model, const arma::mat& rows, unsigned k, int seed, int k_means, int rounds) {
    if (seed < 0) return model.learn(rows, k, arma::maha_dist, arma::keep_existing, k_means, rounds, 0.0, false);
    arma::arma_rng::set_seed(seed);
    return model.learn(rows, k, arma::maha_dist, arma::random_subset, k_means, rounds, 1e-10, false);
}

// All arrays are in C order, so that Armadillo, which stores columns, sees a column for each row and component.
extern "C" bool fit(double* x, unsigned n, unsigned d, unsigned k, bool full, double* weights, double* means,
                    double* covariances, int seed, int k_means, int rounds) {
    const arma::mat rows(x, d, n, false, true);
    arma::rowvec p(weights, k, false, true);
    arma::mat m(means, d, k, false, true);
    bool learned;
    if (full) {
        arma::gmm_full model;
        arma::cube c(covariances, d, d, k, false, true);
        model.set_params(m, c, p);
        learned = learn(model, rows, k, seed, k_means, rounds);
        m = model.means, c = model.fcovs, p = model.hefts;
    } else {
        arma::gmm_diag model;
        arma::mat c(covariances, d, k, false, true);
        model.set_params(m, c, p);
        learned = learn(model, rows, k, seed, k_means, rounds);
        m = model.means, c = model.dcovs, p = model.hefts;
    }
    return learned;
}
