"""M steps: tasks that turn the statistics in a state into parameters, for components ``first`` to ``end``.

With delta = first / N_k and moments S_k = second / N_k - delta delta^T + diag(added),

    w_k = N_k / sum N,    mu_k = centers_k + delta,    Sigma_k the covariances of the structure that maximise
    -1/2 sum_k N_k (log det Sigma_k + tr(Sigma_k^-1 S_k)).

Without a structure Sigma_k = S_k. delta tends to 0 with convergence, so the subtraction does not cancel; where it
would, `common.cancels` says so and the pass is repeated about the new means. A component without rows keeps its
centre and gets weight 0 and S_k = diag(added).

Structures in mclust's words: Sigma_k = v_k D_k A_k D_k^T, volume, shape (det A_k = 1) and orientation, each equal
among the components (E) or varying (V). `values.py` fits what is equal of volumes and shapes along known axes;
`axes.py` has the features for axes, `own_axes.py` those of each component, `shared_axes.py` the same turned ones for
all.

References: Celeux & Govaert (1995), Gaussian parsimonious clustering models, Pattern Recognition 28, 781-793; Flury &
Gautschi (1986), SIAM J. Sci. Stat. Comput. 7, 169-184; Browne & McNicholas (2014), Adv. Data Anal. Classif. 8,
217-226.
"""
