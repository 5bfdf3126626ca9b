import dataclasses
import io
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from conftest import run

pytest.importorskip("matplotlib")

from matplotlib.colors import same_color
from matplotlib.patches import Ellipse, StepPatch
from matplotlib.text import Text

from fastgmm import Candidate, FitResult, Mixture, Selection, Status
from fastgmm.model.parameters import Parameters
from fastgmm.model.structures import STRUCTURES
from fastgmm.pictures import drawing, plot, plot_fit, plot_selection
from fastgmm.shell import figures

NAMES = ("eruption (min)", "waiting (min)", "income (k$)", "rent (k$)", "height (m)", "mass (kg)")
N_PANELS = {1: 1, 2: 1, 3: 6, 6: 10}


def mixture(n_components, n_features, *, seed=0, offset=0.0, feature_names=None):
    """Parameters with correlated covariances and well-separated means."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n_components, n_features, n_features))
    return Mixture(
        weights=rng.dirichlet(np.full(n_components, 5.0)),
        means=offset + 6.0 * rng.normal(size=(n_components, n_features)),
        covariances=factors @ factors.transpose(0, 2, 1) + 0.1 * np.eye(n_features),
        feature_names=feature_names,
    )


def unchecked(*arrays):
    """Parameters that are no mixture: pictures draw what rounding has left of a covariance, too."""
    return Mixture._trusted(Parameters(*arrays, "full"))


def rows_of(parameters, n_rows, *, seed=1):
    """Draw rows and the components they come from."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(parameters.n_components, n_rows, p=parameters.weights)
    factors = np.linalg.cholesky(parameters.covariances)
    noise = rng.normal(size=(n_rows, parameters.n_features))
    return parameters.means[labels] + np.einsum("nij,nj->ni", factors[labels], noise), labels


def result_of(parameters, trace, *, log_likelihood=-1234.5, status=Status.CONVERGED):
    return FitResult(parameters, log_likelihood, np.asarray(trace, dtype=float), status, 100, 100.0, 0.5)


def draw(figure):
    """Lay out and render the figure; pytest turns any warning into a failure."""
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    return figure


def title(figure):
    return figure.get_suptitle()


def panels(figure):
    """Axes keyed by their place, (row, column)."""
    places = {axes: axes.get_subplotspec() for axes in figure.axes}
    return {(place.rowspan.start, place.colspan.start): axes for axes, place in places.items()}


def legend_texts(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def ellipses(axes):
    return [patch for patch in axes.patches if isinstance(patch, Ellipse)]


def histograms(axes):
    return [patch.get_data() for patch in axes.patches if isinstance(patch, StepPatch)]


def mixture_curve(axes):
    (line,) = [line for line in axes.lines if same_color(line.get_color(), drawing.MIXTURE_COLOR)]
    return line.get_data()


@pytest.mark.parametrize("n_features", [1, 2, 3, 6])
def test_panels_and_axis_labels(n_features):
    names = NAMES[:n_features]
    parameters = mixture(3, n_features, feature_names=names)
    X, labels = rows_of(parameters, 200)
    drawn = [plot.plot_data(X, feature_names=names), parameters.plot(X, labels=labels)]
    for figure in drawn:
        shown = panels(draw(figure))
        assert len(figure.axes) == len(shown) == N_PANELS[n_features]
        side = max(row for row, _ in shown) + 1
        bottom = [shown[side - 1, column].get_xlabel() for column in range(side)]
        left = [shown[row, 0].get_ylabel() for row in range(side)]
        assert bottom == list(names[:side])
        if n_features == 1:
            assert left == ["rows"] or left == ["density"]
        elif n_features == 2:
            assert left == [names[1]]
        else:
            assert left == ["", *names[1:side]]
        note = "first 4 of 6 features"
        assert (note in title(figure)) == (n_features == 6)
        assert "200 rows" in title(figure)


def test_default_and_given_feature_names():
    parameters = mixture(2, 2, feature_names=("a", "b"))
    X, labels = rows_of(parameters, 20)
    (axes,) = plot.plot_data(X).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("x0", "x1")
    (axes,) = parameters.plot(X, labels=labels).axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("a", "b")


def test_dollar_signs_in_a_name_are_not_mathematics():
    name = r"cost ($) per \frac ($)"
    (axes,) = draw(plot.plot_data(np.arange(5.0), feature_names=[name])).axes
    assert axes.xaxis.label.get_text() == name
    assert not axes.xaxis.label.get_parse_math()


def test_long_names_leave_room_for_the_panels():
    names = [f"a column with an uncommonly long name, number {f}, " * 4 for f in range(4)]
    figure = draw(plot.plot_data(np.random.default_rng(0).normal(size=(30, 4)), feature_names=names))
    for axes in figure.axes:
        assert axes.get_position().width > 0.15
        assert axes.get_position().height > 0.15
    wrapped = "a column with an\nuncommonly long name,…"
    assert figure.axes[-1].get_xlabel() == figure.axes[-4].get_ylabel() == wrapped


def test_long_numbers_on_the_axis_do_not_run_into_each_other():
    X = 1e8 + 1e-3 * np.array([[-1.9, 0.0], [1.9, 1.0]])
    figure = plot.plot_data(X)
    figure.draw_without_rendering()
    low, high = figure.axes[0].get_xlim()
    ticks = figure.axes[0].xaxis.get_major_ticks()
    labels = [tick.label1.get_window_extent() for tick in ticks if low <= tick.get_loc() <= high]
    assert len(labels) >= 3
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e2, 1e5, 1e6])
def test_tick_labels_of_small_panels_do_not_run_into_each_other(scale):
    figure = plot.plot_data(scale * np.random.default_rng(0).normal(size=(300, 4)))
    figure.draw_without_rendering()
    labels = []
    for column in range(4):
        axes = panels(figure)[3, column]
        low, high = axes.get_xlim()
        ticks = [tick for tick in axes.xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        assert len(ticks) >= 2
        labels += [tick.label1.get_window_extent() for tick in ticks]
    assert all(left.x1 < right.x0 for left, right in pairwise(labels))


def test_features_are_chosen_by_name_or_number():
    names = (*NAMES[:5], "x")
    parameters = mixture(2, 6, feature_names=names)
    X, labels = rows_of(parameters, 40)
    figure = draw(parameters.plot(X, features=["x", 0, "height (m)"]))
    shown = panels(figure)
    assert [shown[2, column].get_xlabel() for column in range(3)] == ["x", names[0], "height (m)"]
    assert title(figure) == "40 rows, 2 components"
    (axes,) = draw(parameters.plot(X, labels=labels, features=(5, 2))).axes
    points = np.concatenate([each.get_offsets() for each in axes.collections])
    np.testing.assert_array_equal(points, np.concatenate([X[labels == k][:, [5, 2]] for k in range(2)]))
    first = ellipses(axes)[0]
    expected = parameters.covariances[0][np.ix_([5, 2], [5, 2])]
    assert first.width**2 + first.height**2 == pytest.approx(4 * np.trace(expected))
    (axes,) = draw(mixture(2, 6).plot(X, features="x4")).axes
    assert axes.get_xlabel() == "x4"


@pytest.mark.parametrize(
    ("features", "error", "message"),
    [
        ("z", ValueError, r"features must be among those of the mixture, \['x0', .*\], got 'z'"),
        (6, ValueError, "features must be less than the number of features, 6, got 6"),
        (-1, ValueError, "features must be at least 0, got -1"),
        (1.5, TypeError, "features must be an integer, got 1.5"),
        ([1, "x1"], ValueError, "features must not have a value twice, got 1 twice"),
        ([], ValueError, "features must have at least one value, got none"),
        (range(5), ValueError, "features must be at most 4, as many as a picture shows, got 5"),
    ],
)
def test_features_that_cannot_be_drawn(features, error, message):
    with pytest.raises(error, match=message):
        mixture(2, 6).plot(np.zeros((3, 6)), features=features)


def marked_crossings(axes):
    (lines,) = axes.collections
    return [segment[0, 0] for segment in lines.get_segments()]


def test_crossings_of_one_feature_are_marked():
    parameters = mixture(3, 1)
    X, _ = rows_of(parameters, 300)
    figure = draw(parameters.plot(X))
    (axes,) = figure.axes
    low, high = axes.get_xlim()
    expected = [x for x in parameters.crossings() if low < x < high]
    assert len(expected) >= 2
    np.testing.assert_array_equal(marked_crossings(axes), expected)
    numbers = [float(text.get_text()) for text in axes.texts if text.get_rotation() == 90.0]
    np.testing.assert_allclose(numbers, expected, atol=0.01)
    assert legend_texts(figure)[-1] == "line: the label changes"
    # Those of the rows' own features are no lines along one of them.
    for other in (mixture(1, 1).plot(X), mixture(2, 2).plot(np.zeros((3, 2)), features=0)):
        assert "line: the label changes" not in legend_texts(other)


def test_crossings_that_lie_close_together_are_marked_and_one_number_is_written():
    parameters = Mixture([0.98, 0.02], [[0.0], [0.0]], [1.0, 1e-4], "spherical")
    (axes,) = draw(parameters.plot(np.linspace(-3.0, 3.0, 50))).axes
    np.testing.assert_array_equal(marked_crossings(axes), parameters.crossings())
    assert [text.get_text() for text in axes.texts if text.get_rotation() == 90.0] == ["-0.012"]


@pytest.mark.parametrize("n_components", [1, 3, 60])
@pytest.mark.parametrize("n_rows", [1, 300])
def test_uncertainty_is_drawn_over_the_plane_and_at_each_row(n_components, n_rows):
    parameters = mixture(n_components, 2, feature_names=NAMES[:2])
    X, _ = rows_of(parameters, n_rows)
    figure = parameters.plot_uncertainty(X)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    (image,) = axes.images
    plane = np.asarray(image.get_array())
    # The corners of the picture are those of the array.
    for position, x in ((0, axes.get_xlim()[0]), (-1, axes.get_xlim()[1])):
        for line, y in ((0, axes.get_ylim()[0]), (-1, axes.get_ylim()[1])):
            assert plane[line, position] == pytest.approx(parameters.uncertainty([[x, y]])[0], rel=1e-9)
    points = np.concatenate([each.get_offsets() for each in axes.collections])
    sizes = np.concatenate([each.get_sizes() for each in axes.collections])
    order = np.concatenate([np.flatnonzero(parameters.predict(X) == k) for k in range(n_components)])
    np.testing.assert_array_equal(points, X[order])
    doubts = parameters.uncertainty(X)
    assert (np.diff(sizes[np.argsort(doubts[order])]) >= 0.0).all()
    plural = "" if n_rows == 1 else "s"
    assert title(figure) == f"{n_rows} row{plural}, {np.count_nonzero(doubts > 0.1)} with uncertainty above 0.1"
    assert (axes.get_xlabel(), axes.get_ylabel()) == NAMES[:2]
    texts = legend_texts(figure)
    n_seen = len(np.unique(parameters.predict(X)))
    assert len(texts) == min(n_seen, 21)
    assert (texts[-1] == f"and {n_seen - 20} more") == (n_seen > 20)
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(each.get_tightbbox()) for each in figure.axes)


def test_uncertainty_is_drawn_of_two_features():
    message = "a picture of uncertainty is of two features, this mixture has 3"
    with pytest.raises(ValueError, match=message):
        mixture(2, 3).plot_uncertainty(np.zeros((4, 3)))
    draw(mixture(2, 3).marginal([2, 0]).plot_uncertainty(np.ones((4, 2))))


def test_labels_come_from_the_parameters_by_default(monkeypatch):
    parameters = mixture(2, 2)
    X, _ = rows_of(parameters, 10)
    labels = np.array([1, 0, 1, 1, 1, 0, 1, 1, 1, 1])
    monkeypatch.setattr(Mixture, "predict", lambda self, rows: labels)
    assert legend_texts(parameters.plot(X))[:2] == [
        "component 0 (2 rows)",
        "component 1 (8 rows)",
    ]


def test_clusters_scatter_each_row_once_with_its_own_colour_and_marker():
    parameters = mixture(8, 2)
    X, labels = rows_of(parameters, 300)
    (axes,) = parameters.plot(X, labels=labels).axes
    assert len(axes.collections) == 8
    for k, points in enumerate(axes.collections):
        np.testing.assert_array_equal(points.get_offsets(), X[labels == k])
    colors = {tuple(points.get_facecolor()[0]) for points in axes.collections}
    shapes = {points.get_paths()[0].vertices.tobytes() for points in axes.collections}
    assert len(colors) == len(shapes) == 8


def test_styles_are_distinct_as_pairs_beyond_the_palette():
    assert len({drawing.cluster_style(k) for k in range(64)}) == 64
    assert drawing.cluster_style(64) == drawing.cluster_style(0)


@pytest.mark.parametrize("n_features", [2, 3, 6])
def test_ellipses_are_contours_of_the_marginal_covariances(n_features):
    parameters = mixture(3, n_features, offset=100.0)
    X, labels = rows_of(parameters, 90)
    shown = panels(parameters.plot(X, labels=labels))
    angles = np.linspace(0, 2 * np.pi, 50)
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    n_scatters = 0
    for (row, column), axes in shown.items():
        if n_features > 2 and row == column:
            assert not ellipses(axes)
            continue
        n_scatters += 1
        pair = [0, 1] if n_features == 2 else [column, row]
        drawn = ellipses(axes)
        assert len(drawn) == 6
        for index, ellipse in enumerate(drawn):
            k, n_deviations = index // 2, index % 2 + 1
            covariance = parameters.covariances[k][np.ix_(pair, pair)]
            np.testing.assert_allclose(ellipse.center, parameters.means[k, pair], rtol=1e-12)
            variances, directions = np.linalg.eigh(covariance)
            extent = [ellipse.width, ellipse.height]
            np.testing.assert_allclose(extent, 2 * n_deviations * np.sqrt(variances), rtol=1e-10)
            slope = np.radians(ellipse.angle)
            along = np.array([np.cos(slope), np.sin(slope)]) @ directions[:, 0]
            assert abs(along) == pytest.approx(1.0, abs=1e-12)
            outline = ellipse.get_patch_transform().transform(circle) - parameters.means[k, pair]
            distances = np.einsum("ni,ij,nj->n", outline, np.linalg.inv(covariance), outline)
            np.testing.assert_allclose(distances, n_deviations**2, rtol=1e-8)
    assert n_scatters == N_PANELS[n_features] - (0 if n_features == 2 else min(n_features, 4))


def test_centres_are_marked_with_the_number_of_the_component():
    parameters = mixture(4, 2)
    X, labels = rows_of(parameters, 50)
    (axes,) = parameters.plot(X, labels=labels).axes
    assert [text.get_text() for text in axes.texts] == ["0", "1", "2", "3"]
    np.testing.assert_array_equal([text.get_position() for text in axes.texts], parameters.means)
    circles = [line.get_xydata()[0] for line in axes.lines]
    np.testing.assert_array_equal(circles, parameters.means)


def test_everything_lies_within_the_axes():
    parameters = mixture(3, 2)
    X = parameters.means + 0.01
    (axes,) = parameters.plot(X, labels=[0, 1, 2]).axes
    reach = 2 * np.sqrt(np.diagonal(parameters.covariances, axis1=1, axis2=2))
    for f, (low, high) in enumerate([axes.get_xlim(), axes.get_ylim()]):
        assert low < (parameters.means - reach)[:, f].min()
        assert high > (parameters.means + reach)[:, f].max()


@pytest.mark.parametrize("n_features", [1, 3])
@pytest.mark.parametrize("smallest", [1.0, 1e-4, 1e-12])
def test_density_integrates_to_one_however_narrow_a_component(n_features, smallest):
    parameters = mixture(3, n_features)
    covariances = parameters.covariances.copy()
    covariances[1] = smallest * np.eye(n_features)
    parameters = dataclasses.replace(parameters, covariances=covariances)
    X, labels = rows_of(parameters, 400)
    shown = panels(parameters.plot(X, labels=labels))
    for f in range(n_features):
        x, density = mixture_curve(shown[f, f])
        assert np.trapezoid(density, x) == pytest.approx(1.0, abs=2e-3)


def test_component_curves_add_up_to_the_mixture_and_are_the_weighted_normal_densities():
    parameters = Mixture(np.array([0.25, 0.75]), np.array([[-1.0], [2.0]]), np.array([[[0.25]], [[4.0]]]))
    (axes,) = parameters.plot(np.array([-1.0, 2.0, 5.0]), labels=[0, 1, 1]).axes
    x, density = mixture_curve(axes)
    curves = [line.get_ydata() for line in axes.lines if line.get_linestyle() == "--"]
    assert len(curves) == 2
    for curve, weight, mean, deviation in zip(curves, [0.25, 0.75], [-1, 2], [0.5, 2], strict=True):
        normal = np.exp(-0.5 * ((x - mean) / deviation) ** 2) / (deviation * np.sqrt(2 * np.pi))
        np.testing.assert_allclose(curve, weight * normal, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(curves[0] + curves[1], density)


def test_stacked_histogram_holds_each_cluster_in_its_share():
    parameters = mixture(3, 1)
    X, labels = rows_of(parameters, 500)
    (axes,) = parameters.plot(X, labels=labels).axes
    bars = histograms(axes)
    areas = [np.sum((top - floor) * np.diff(edges)) for top, edges, floor in bars]
    np.testing.assert_allclose(areas, np.bincount(labels, minlength=3) / 500)


def test_a_collapsed_component_does_not_flatten_the_histogram():
    X = np.r_[np.full(13, 44.4), np.linspace(24.0, 45.0, 37)]
    parameters = Mixture(np.array([0.26, 0.74]), np.array([[44.4], [34.5]]), np.array([[[1e-6]], [[36.0]]]))
    figure = draw(parameters.plot(X, labels=np.repeat([0, 1], [13, 37])))
    (axes,) = figure.axes
    highest_bar = max(top.max() for top, _, _ in histograms(axes))
    assert axes.get_ylim()[1] < 2.5 * highest_bar
    badges = [text for text in axes.texts if text.get_rotation() == 0.0]
    assert len(badges) == 2
    assert all(text.get_position()[1] < axes.get_ylim()[1] for text in badges)
    assert "density peaks at 104" in title(figure)


def test_histogram_of_one_feature_counts_every_row_and_shows_a_few_one_by_one():
    X = np.random.default_rng(0).normal(size=501)
    for n_rows, n_rugs in [(500, 1), (501, 0)]:
        (axes,) = plot.plot_data(X[:n_rows]).axes
        ((counts, _, _),) = histograms(axes)
        assert counts.sum() == n_rows
        assert len(axes.lines) == n_rugs


@pytest.mark.parametrize("n_features", [1, 2, 3])
@pytest.mark.parametrize("n_components", [1, 6, 12, 48])
def test_legend_names_every_component_and_covers_nothing(n_components, n_features):
    parameters = mixture(n_components, n_features)
    X, labels = rows_of(parameters, 300)
    figure = parameters.plot(X, labels=labels)
    figure.draw_without_rendering()
    counts = np.bincount(labels, minlength=n_components)
    expected = [f"component {k} ({n} row{'' if n == 1 else 's'})" for k, n in enumerate(counts)]
    texts = legend_texts(figure)
    assert texts[:n_components] == expected
    assert "centre" in texts
    assert ("ellipse 2σ: holds 86%" in texts) == (n_features > 1)
    assert ("curve: mixture density" in texts) == (n_features != 2)
    legend = figure.legends[0].get_window_extent()
    assert figure.bbox.containsx(legend.x1)
    assert figure.bbox.containsy(legend.y0)
    assert not any(legend.overlaps(axes.get_tightbbox()) for axes in figure.axes)


def test_legend_of_very_many_components_says_how_many_it_leaves_out():
    parameters = mixture(60, 2)
    X, labels = rows_of(parameters, 100)
    assert "and 12 more" in legend_texts(draw(parameters.plot(X, labels=labels)))


def test_many_rows_are_drawn_as_a_fixed_sample():
    parameters = mixture(2, 2)
    X, labels = rows_of(parameters, 30_001)
    for picture in (plot.plot_data, lambda X: parameters.plot(X, labels=labels)):
        figure, again = picture(X), picture(X)
        assert title(figure).startswith("20 000 of 30 001 rows")
        points = [np.concatenate([c.get_offsets() for c in f.axes[0].collections]) for f in (figure, again)]
        np.testing.assert_array_equal(points[0], points[1])
        assert len(np.unique(points[0], axis=0)) == 20_000
        assert set(map(tuple, points[0].tolist())) <= set(map(tuple, X.tolist()))
        assert all(collection.get_rasterized() for collection in figure.axes[0].collections)
    counts = np.bincount(labels)
    assert legend_texts(figure)[0] == f"component 0 ({counts[0]:,} rows)".replace(",", " ")


def test_at_the_limit_every_row_is_drawn():
    figure = plot.plot_data(np.arange(40_000.0).reshape(-1, 2))
    assert title(figure) == "20 000 rows"
    assert len(figure.axes[0].collections[0].get_offsets()) == 20_000


DEGENERATE = {
    "one row": np.array([[1.0, 2.0, 3.0]]),
    "equal rows": np.full((20, 3), 7.0),
    "zeros": np.zeros((20, 3)),
    "a constant column": np.column_stack([np.arange(20.0), np.full(20, 1e8), np.arange(20.0) ** 2]),
    "a large offset": 1e8 + np.random.default_rng(0).normal(size=(50, 3)),
    "a tiny spread on a large offset": 1e8 + 1e-7 * np.random.default_rng(0).normal(size=(50, 3)),
    "large values": 1e15 + np.random.default_rng(0).normal(size=(50, 3)),
    "tiny values": 1e-12 * np.random.default_rng(0).normal(size=(50, 3)),
    "an outlier": np.r_[np.random.default_rng(0).normal(size=(50, 3)), np.full((1, 3), 1e9)],
}


@pytest.mark.parametrize(("n_features", "n_components"), [(1, 1), (1, 3), (2, 3), (3, 1)])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_data(case, n_features, n_components):
    X = DEGENERATE[case][:, :n_features]
    # All rows in one cluster: the others are empty. What a regularised fit to such rows looks like.
    labels = np.zeros(len(X), dtype=int)
    covariance = np.cov(X.T, bias=True).reshape(n_features, n_features) + 1e-6 * np.eye(n_features)
    parameters = unchecked(
        np.r_[1.0, np.zeros(n_components - 1)],
        np.tile(X.mean(axis=0), (n_components, 1)),
        np.tile(covariance, (n_components, 1, 1)),
    )
    draw(plot.plot_data(X))
    figure = draw(parameters.plot(X, labels=labels))
    texts = legend_texts(figure)
    assert texts[:n_components] == [
        f"component 0 ({len(X)} row{'' if len(X) == 1 else 's'})",
        *(f"component {k} (0 rows)" for k in range(1, n_components)),
    ]
    for (_, column), axes in panels(figure).items():
        low, high = axes.get_xlim()
        assert low < X[:, column].min() <= X[:, column].max() < high


@pytest.mark.parametrize("n_features", [1, 2, 3])
@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e-16])
def test_singular_covariances(scale, n_features):
    X = 1e6 * np.random.default_rng(0).normal(size=(30, n_features))
    # Rank one, and beneath it a rounding error of either sign.
    direction = np.arange(1.0, n_features + 1)
    covariance = np.outer(direction, direction) - scale * np.eye(n_features)
    covariances = np.array([covariance, scale * np.eye(n_features)])
    parameters = unchecked(np.array([0.5, 0.5]), np.zeros((2, n_features)), covariances)
    figure = draw(parameters.plot(X, labels=np.arange(30) % 2))
    widths = [e.width for axes in figure.axes for e in ellipses(axes)]
    assert len(widths) == {1: 0, 2: 4, 3: 12}[n_features]
    assert np.all(np.isfinite(widths))
    if n_features != 2:
        assert np.all(np.isfinite(mixture_curve(figure.axes[0])[1]))


def test_one_dimensional_array_is_one_feature():
    assert len(plot.plot_data(np.arange(10.0)).axes) == 1
    assert title(plot.plot_data([3.0])) == "1 row"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda X, p: plot.plot_data(np.empty((0, 2))), "X must have shape"),
        (lambda X, p: plot.plot_data(np.zeros((2, 2, 2))), "X must have shape"),
        (lambda X, p: plot.plot_data(X, feature_names=["a"]), "feature_names must have 2 names"),
        (
            lambda X, p: plot.plot_clusters(X[:, :1], p.weights, p.means, p.covariances, [0, 0, 1]),
            r"means must have shape \(2, 1\), for 2 weights and X; got \(2, 2\)",
        ),
        (
            lambda X, p: plot.plot_clusters(X, p.weights, p.means, np.ones((2, 2)), [0, 0, 1]),
            r"covariances must have shape \(2, 2, 2\), for 2 weights and X; got \(2, 2\)",
        ),
        (lambda X, p: p.plot(X, labels=[0, 1]), r"labels must have shape \(3,\)"),
        (lambda X, p: p.plot(X, labels=[0, 1, 2]), r"labels must lie in 0\.\.1; got 0\.\.2"),
        (lambda X, p: p.plot(X, labels=[0, 1, -1]), r"labels must lie in 0\.\.1; got -1"),
        (lambda X, p: plot_fit.plot_responsibilities(np.ones(3)), "responsibilities must have shape"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.zeros((3, 2)), mixture(2, 2))


@pytest.mark.parametrize("labels", [["a", "b", "a"], [0.5, 1.0, 0.0]])
def test_labels_are_integers(labels):
    with pytest.raises(TypeError, match="labels must be integers, got dtype"):
        mixture(2, 2).plot(np.zeros((3, 2)), labels=labels)


@pytest.mark.parametrize("trace", [[], [-3.5], [-3.5, -3.25], [-2.0] * 5, np.linspace(-9, -2, 1000)])
def test_log_likelihood_shows_every_round_at_integers(trace):
    figure = draw(result_of(mixture(1, 1), trace).plot())
    (axes,) = figure.axes
    rounds, values = axes.lines[0].get_data()
    np.testing.assert_array_equal(rounds, np.arange(1, len(trace) + 1))
    np.testing.assert_array_equal(values, trace)
    low, high = axes.get_xlim()
    ticks = [tick for tick in axes.get_xticks() if low <= tick <= high]
    assert ticks
    assert all(tick == round(tick) for tick in ticks)


@pytest.mark.parametrize("climb", [3e-4, 1e-9, 0.0])
def test_the_climb_has_ticks_without_an_offset(climb):
    trace = -2.837 - climb * np.exp(-np.arange(30) / 5)
    (axes,) = draw(result_of(mixture(1, 1), trace).plot()).axes
    assert axes.yaxis.get_offset_text().get_text() == ""
    low, high = axes.get_ylim()
    assert low < trace.min() <= trace.max() < high
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert all(label.startswith("−") and len(label) <= 9 for label in labels)
    assert len(set(labels)) == len(labels) >= 3


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.CONVERGED, "Log-likelihood -1234567.8, converged after 2 iterations"),
        (Status.MAX_ITER, "Log-likelihood -1234567.8, not converged (max_iter) after 2 iterations"),
        (Status.STOPPED, "Log-likelihood -1234567.8, not converged (stopped by callback) after 2 iterations"),
    ],
)
def test_log_likelihood_title_tells_the_end_and_fits(status, outcome):
    result = result_of(mixture(1, 1), [-2.0, -1.0], log_likelihood=-1234567.81, status=status)
    figure = result.plot()
    figure.draw_without_rendering()
    assert title(figure) == outcome
    assert figure.texts[0].get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize(("n_components", "n_panels"), [(1, 1), (2, 2), (5, 5), (16, 16), (17, 16)])
def test_responsibilities_have_a_panel_per_component(n_components, n_panels):
    responsibilities = np.random.default_rng(0).dirichlet(np.full(n_components, 0.2), size=200)
    figure = draw(plot_fit.plot_responsibilities(responsibilities))
    assert [axes.get_title() for axes in figure.axes] == [f"component {k}" for k in range(n_panels)]
    for k, axes in enumerate(figure.axes):
        ((counts, edges, _),) = histograms(axes)
        assert counts.sum() == 200
        assert counts[0] == np.sum(responsibilities[:, k] < edges[1])
        assert axes.get_xlim() == (0, 1)
    assert len({axes.get_ylim() for axes in figure.axes}) == 1
    left_out = f"first 16 of {n_components} components"
    assert (left_out in title(figure)) == (n_components > 16)


def test_responsibilities_rounded_above_one_are_counted():
    (axes,) = draw(plot_fit.plot_responsibilities(np.array([[1.0 + 1e-15], [1.0]]))).axes
    ((counts, _, _),) = histograms(axes)
    assert counts[-1] == 2


def candidate(n_components, covariance_type, bic, **fields):
    result = result_of(mixture(1, 2), [-1.0])
    return Candidate(n_components, covariance_type, 1, -1.0, bic, bic - 7.0, result=result, **fields)


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_selection_shows_every_candidate(criterion):
    candidates = (
        candidate(4, "diag", 80.5, degenerate_components=(1, 2)),
        candidate(1, "full", 90.0),
        candidate(5, "full", 92.0),
        candidate(2, "diag", 93.0),
        Candidate(3, "diag", 1, error="collapsed"),
        Candidate(3, "full", 1, error="collapsed"),
        Candidate(5, "diag", 1, error="collapsed"),
    )
    figure = Selection(criterion, candidates).plot()
    figure.draw_without_rendering()
    strip, axes = figure.axes
    curves = {line.get_label(): line for line in axes.lines}
    shift = 0.0 if criterion == "bic" else 7.0
    expected = {
        "full": [[1, 90.0], [3, np.nan], [5, 92.0]],
        "diag": [[2, 93.0], [3, np.nan], [4, 80.5], [5, np.nan]],
        "best": [[4, 80.5]],
        "degenerate components": [[4, 80.5]],
    }
    assert set(curves) == set(expected) == {*legend_texts(figure), *labels_of(axes)}
    ends = {name: label.xy for name, label in labels_of(axes).items()}
    assert ends == {"full": (5, 92.0 - shift), "diag": (4, 80.5 - shift)}  # the last that was fitted
    for name, points in expected.items():
        np.testing.assert_array_equal(curves[name].get_xydata(), np.array(points) - [0.0, shift])
    assert curves["full"].get_color() != curves["diag"].get_color()
    (crosses,) = strip.collections
    names = [label.get_text() for label in strip.get_yticklabels()]
    assert names == ["full: no fit", "diag: no fit"]
    assert sorted((x, names[int(y)]) for x, y in crosses.get_offsets()) == [
        (3, "diag: no fit"),
        (3, "full: no fit"),
        (5, "diag: no fit"),
    ]
    assert strip.get_xlim() == axes.get_xlim() == (0.5, 5.5)
    assert axes.get_ylabel() == f"{criterion.upper()} (lower is better)"
    assert title(figure) == f"Best by {criterion.upper()}: 4 components, diag covariance"
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(panel.get_tightbbox()) for panel in figure.axes)


@pytest.mark.parametrize("missing", [False, True])
def test_a_bad_structure_does_not_flatten_the_others(missing):
    bad = [candidate(k, "spherical", 90_000.0 + k) for k in range(1, 7)]
    good = [
        candidate(k, name, 5000.0 + shift + 40 * k)
        for name, shift in (("full", 0), ("diag", 90))
        for k in range(1, 7)
    ]
    candidates = (*good, *bad, *([Candidate(7, "tied", 1, error="collapsed")] if missing else []))
    figure = draw(Selection("bic", candidates).plot())
    axes = figure.axes[-1]
    low, high = axes.get_ylim()
    assert low < 5040.0 < 5330.0 < high < 6000.0
    (arrows,) = [line for line in axes.lines if line.get_marker() == plot_selection.BEYOND]
    assert arrows.get_xdata().tolist() == [1, 2, 3, 4, 5, 6]
    assert same_color(arrows.get_color(), labels_of(axes)["spherical"].get_color())
    assert "beyond the axis, up to 90 006" in legend_texts(figure)
    legend = figure.legends[0].get_window_extent()
    assert not any(legend.overlaps(panel.get_tightbbox()) for panel in figure.axes)
    # Nothing is cut off where all can be seen.
    axes = draw(Selection("bic", tuple(good)).plot()).axes[-1]
    assert axes.get_ylim()[1] > 5330.0
    tied = (candidate(1, "full", 5.0), candidate(1, "tied", 5.0), candidate(1, "diag", 9.0))
    figure = Selection("bic", tied).plot()
    assert not any("beyond" in text for text in legend_texts(draw(figure)))


def test_arrows_and_names_are_of_what_the_axis_has_and_has_not():
    heights = {"full": [0, 1, 2, 3, 4, 5], "diag": [2, 3, 4, 5, 6, 80], "spherical": [90, 6, 6, 6, 6, 6]}
    fitted = [candidate(k, name, 5000.0 + height) for name in heights for k, height in enumerate(heights[name], 1)]
    lost = [Candidate(k, "tied", 1, error="collapsed") for k in range(2, 7)]
    axes = draw(Selection("bic", (*fitted, candidate(1, "tied", 9000.0), *lost)).plot()).axes[-1]
    assert 5090.0 < axes.get_ylim()[1] < 5110.0
    (arrows,) = [line for line in axes.lines if line.get_marker() == plot_selection.BEYOND]
    assert arrows.get_xdata().tolist() == [1]
    assert set(labels_of(axes)) == set(heights)  # that of the other is beside its crosses


def test_of_many_structures_the_worst_leave_room_for_the_others():
    candidates = [
        candidate(k, name, 5000.0 + 10 * k + rank + 400.0 * (name in ("EII", "spherical")) + 900.0 * (k == 1))
        for rank, name in enumerate(STRUCTURES)
        for k in range(1, 7)
    ]
    candidates.sort(key=lambda each: each.bic)
    axes = draw(Selection("bic", tuple(candidates)).plot()).axes[-1]
    low, high = axes.get_ylim()
    assert low < 5020.0 < 5073.0 < high < 5200.0
    arrows = [line for line in axes.lines if line.get_marker() == plot_selection.BEYOND]
    # One height for those in grey, another for the best.
    best = labels_of(axes)[candidates[0].covariance_type].get_color()
    heights = [{*line.get_ydata()} for line in arrows if not same_color(line.get_color(), best)]
    assert len(heights) == 13
    assert len(set.union(*heights)) == 1
    assert [line.get_xdata().tolist() for line in arrows if same_color(line.get_color(), best)] == [[1]]


@pytest.mark.parametrize("n_failed", [0, 14])
def test_the_best_of_many_structures_stands_out(n_failed):
    names = tuple(STRUCTURES)
    fitted = [candidate(k, name, 5.0 + k) for name in names[::-1] for k in (2, 3)]
    single = [candidate(1, name, 9.0) for name in ("tied", "EEI", "EII")]
    failed = [Candidate(4, name, 1, error="collapsed") for name in names[:n_failed]]
    figure = Selection("bic", (*sorted(fitted, key=lambda each: each.bic), *single, *failed)).plot()
    figure.savefig(io.BytesIO(), format="png")  # at the resolution that extents of texts are in afterwards
    axes = figure.axes[-1]
    curves = {line.get_label(): line for line in axes.lines if line.get_label() in names}
    best = names[-1]
    assert set(curves) == set(labels_of(axes)) == set(names)
    assert {curves.pop(best).get_color()}.isdisjoint(line.get_color() for line in curves.values())
    # Where structures coincide each curve has its point.
    assert all(line.get_xdata()[0] == 1 for line in curves.values())
    extents = sorted((Text.get_window_extent(label) for label in labels_of(axes).values()), key=lambda each: each.y0)
    assert all(below.y1 <= above.y0 + 1.0 for below, above in pairwise(extents))
    assert figure.bbox.y0 < extents[0].y0 < extents[-1].y1 < figure.bbox.y1


def labels_of(axes):
    """The names beside the curves."""
    return {text.get_text(): text for text in axes.texts}


@pytest.mark.parametrize("apart", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("numbers", [(2,), (1, 2, 3)])
def test_structures_with_the_same_criterion_can_be_told_apart(numbers, apart):
    names = ("full", "tied", "diag", "spherical")
    candidates = [candidate(k, name, 5.0 + k + apart * i) for k in numbers for i, name in enumerate(names)]
    figure = Selection("bic", tuple(sorted(candidates, key=lambda each: each.bic))).plot()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    labels = labels_of(axes)
    assert set(labels) == set(names)
    curves = [line for line in axes.lines if line.get_label() in names]
    for line in curves:
        assert same_color(labels[line.get_label()].get_color(), line.get_color())
    # What is drawn above covers less of the curve and of its points.
    assert [line.get_label() for line in curves] == list(names)
    assert all(below.get_markersize() > above.get_markersize() for below, above in pairwise(curves))
    assert len({line.get_linestyle() + str(line._unscaled_dash_pattern) for line in curves}) == len(names)
    extents = [Text.get_window_extent(label) for label in labels.values()]  # without the line that leads there
    assert all(axes.bbox.x1 < extent.x0 < extent.x1 < figure.bbox.x1 for extent in extents)
    by_height = sorted(extents, key=lambda extent: extent.y0)
    assert all(lower.y1 <= upper.y0 + 1 for lower, upper in pairwise(by_height))
    if apart > 1.0:
        assert [labels[name].xyann[1] for name in names] == sorted(labels[name].xyann[1] for name in names)


def test_a_structure_has_its_own_colour_whichever_others_there_are():
    def color_of(*types):
        candidates = tuple(candidate(1, name, 5.0) for name in types)
        lines = draw(Selection("bic", candidates).plot()).axes[0].lines
        return {line.get_label(): line.get_color() for line in lines}["tied"]

    assert color_of("tied") == color_of("full", "tied", "diag", "spherical")


def test_large_criteria_are_written_out():
    candidates = tuple(candidate(k, "full", 123_456_780.0 + k) for k in range(1, 4))
    (axes,) = draw(Selection("bic", candidates).plot()).axes
    assert axes.yaxis.get_offset_text().get_text() == ""
    assert any(label.get_text().startswith("12345678") for label in axes.get_yticklabels())


@pytest.mark.parametrize("n_features", [1, 2, 3, 6])
def test_save_pictures_writes_four_png_files(tmp_path, n_features):
    parameters = mixture(2, n_features, feature_names=NAMES[:n_features])
    X, labels = rows_of(parameters, 60)
    result = result_of(parameters, [-3.0, -2.0])
    paths = figures.save_pictures(tmp_path, X, result, np.eye(2)[labels])
    names = ["data.png", "clusters.png", "log_likelihood.png", "responsibilities.png"]
    assert paths == [tmp_path / name for name in names]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for path in paths:
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert content[-8:-4] == b"IEND"
        width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
        assert min(width, height) > 400
        assert len(content) > 5_000


@pytest.mark.parametrize("criterion", ["bic", "aic"])
def test_the_picture_of_a_selection_is_named_after_its_criterion(tmp_path, criterion):
    parameters = mixture(2, 2)
    X, labels = rows_of(parameters, 10)
    selection = Selection(criterion, (candidate(2, "full", 5.0),))
    result = result_of(parameters, [-1.0])
    paths = figures.save_pictures(tmp_path, X, result, np.eye(2)[labels], selection)
    assert len(paths) == 5
    assert paths[-1] == tmp_path / f"{criterion}.png"
    assert paths[-1].read_bytes().startswith(b"\x89PNG")


def test_saved_pictures_carry_the_names_of_the_model(tmp_path, monkeypatch):
    parameters = mixture(2, 2, feature_names=("a", "b"))
    X, labels = rows_of(parameters, 10)
    seen = []
    for name in ("plot_data", "plot_clusters"):
        original = getattr(plot, name)

        def spy(*arguments, original=original, feature_names, **options):
            seen.append(feature_names)
            return original(*arguments, feature_names=feature_names, **options)

        monkeypatch.setattr(plot, name, spy)
    figures.save_pictures(tmp_path, X, result_of(parameters, [-1.0]), np.eye(2)[labels])
    assert seen == [("a", "b"), ("a", "b")]


def test_pictures_are_those_of_what_was_fitted():
    parameters = mixture(2, 2, feature_names=("a", "b"))
    X, _ = rows_of(parameters, 20)
    assert draw(parameters.plot(X)).axes[0].get_ylabel() == "b"
    with pytest.raises(ValueError, match="X has 3 features, but the model has 2"):
        parameters.plot(np.zeros((4, 3)))


def test_a_notebook_shows_a_picture_although_nobody_imported_pyplot():
    program = (
        "import sys, fastgmm\n"
        "mixture = fastgmm.Mixture([1.0], [[0.0]], [[[1.0]]])\n"
        "png = mixture.plot([[1.0], [2.0]], labels=[0, 0])._repr_png_()\n"
        "assert png.startswith(b'\\x89PNG')\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    run(program)


def test_without_matplotlib_a_picture_is_refused_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "matplotlib.py").write_text("raise ModuleNotFoundError('hidden', name='matplotlib')")
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import fastgmm\n"
        "mixture = fastgmm.Mixture([1.0], [[0.0]], [[[1.0]]])\n"
        "try:\n"
        "    mixture.plot([[1.0], [2.0]])\n"
        "except ModuleNotFoundError as error:\n"
        "    print(error)\n"
        "print(mixture)\n"
    )
    first = run(program).splitlines()[0]
    assert first == "pictures need matplotlib; install it with: python -m pip install matplotlib"


def test_pyplot_is_never_imported():
    program = (
        "import io, sys\n"
        "import fastgmm\n"
        "assert 'matplotlib' not in sys.modules\n"
        "from fastgmm.pictures import drawing, plot\n"
        "plot.plot_data([[1.0, 2.0], [3.0, 5.0]]).savefig(io.BytesIO(), format='png')\n"
        "assert 'matplotlib' in sys.modules\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
