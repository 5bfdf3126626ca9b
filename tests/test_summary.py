"""What a mixture, a fit and a selection print: true numbers, in 80 columns, whatever their size and names."""

import html
import html.parser
import pickle
import re
import subprocess
import sys
import unicodedata
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import fastgmm
from fastgmm import FitResult, Mixture, Status
from fastgmm.summary.contents import mean_and_deviation
from fastgmm.summary.layout import columns_of, shortened, visible

NAMES = ("eruption (min)", "waiting (min)")
STRUCTURES = ("full", "tied", "diag", "spherical")


def clouds(n_each=60):
    """Two round clouds, far apart."""
    centers = np.repeat([[0.0, 50.0], [8.0, 80.0]], [n_each, 2 * n_each], axis=0)
    return centers + np.random.default_rng(1).normal(size=centers.shape) * [0.5, 3.0]


@pytest.fixture(scope="module")
def result():
    return fastgmm.fit(pd.DataFrame(clouds(), columns=NAMES), 2, random_state=0)


def mixture(n_components, n_features, names=None, covariance_type="full"):
    generator = np.random.default_rng(0)
    variances = {
        "full": np.tile(np.eye(n_features), (n_components, 1, 1)),
        "tied": np.eye(n_features),
        "diag": np.ones((n_components, n_features)),
        "spherical": np.ones(n_components),
    }
    means = 10.0 * generator.normal(size=(n_components, n_features))
    return Mixture(np.full(n_components, 1 / n_components), means, variances[covariance_type], covariance_type, names)


def cells_of(text, *headings):
    """The cells of the table in `text` whose first line has these headings."""
    lines = iter(text.splitlines())
    head = next(line for line in lines if re.split(r" {2,}", line.strip())[0] == headings[0])
    rows = [re.split(r" {2,}", head.strip())]
    for line in lines:
        if not line or line.startswith("Not shown"):
            break
        rows.append(re.split(r" {2,}", line.strip()))
    assert all(heading in rows[0] for heading in headings)
    return rows


class Page(html.parser.HTMLParser):
    """The cells of the tables of a page, its other text, and its tags."""

    def __init__(self, page):
        super().__init__()
        self.tables, self.text, self.open = [], [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        assert tag in {"div", "strong", "table", "tr", "th", "td"}
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] in ("th", "td"):
            self.tables[-1][-1][-1] += data
        else:
            self.text.append(data)


def test_a_fit_says_how_it_went(result):
    text = str(result)
    assert text.startswith("Fit of a Gaussian mixture: 2 components, 2 features, full covariance\n\n")
    assert f"Converged after {result.n_iter} iterations, " in text
    names, values = cells_of(text, "rows")
    facts = dict(zip(names, values, strict=True))
    assert facts["rows"] == "180"
    assert facts["n_free"] == "11"
    X = clouds()
    for name, value in (
        ("log-likelihood", result.log_likelihood),
        ("BIC", result.mixture.bic(X)),
        ("AIC", result.mixture.aic(X)),
    ):
        assert float(facts[name]) == pytest.approx(value, abs=1e-3)
    assert "ICL needs the rows: summary(X)." in text
    head, *rows = cells_of(text, "component", "weight")
    assert head[2:] == list(NAMES)
    for k, row in enumerate(rows):
        assert row[0] == str(k)
        assert float(row[1]) == pytest.approx(result.mixture.weights[k], abs=1e-4)
        for j, cell in enumerate(row[2:]):
            mean, deviation = map(float, cell.split(" ± "))
            assert deviation == pytest.approx(result.mixture.covariances[k, j, j] ** 0.5, rel=5e-3)
            assert mean == pytest.approx(result.mixture.means[k, j], abs=deviation / 100)


def test_rows_and_seconds_are_kept(result):
    assert (result.n_samples, result.total_weight) == (180, 180.0)
    assert 0.0 < result.seconds < 600.0
    again = pickle.loads(pickle.dumps(result))
    assert str(again) == str(result)


def test_weights_count_as_rows_in_the_criteria():
    X, weights = clouds(), np.repeat([1.0, 3.0], 90)
    result = fastgmm.fit(X, 2, random_state=0, sample_weight=weights)
    assert (result.n_samples, result.total_weight) == (180, 360.0)
    repeated = np.repeat(X, weights.astype(int), axis=0)
    assert result.bic == pytest.approx(result.mixture.bic(repeated), rel=1e-12)
    assert result.aic == pytest.approx(result.mixture.aic(repeated), rel=1e-12)
    names, values = cells_of(str(result), "rows")
    assert dict(zip(names, values, strict=True))["total weight"] == "360"
    expected = result.mixture.responsibilities(repeated)
    surprisal = -np.sum(np.log(expected.max(axis=1)))
    names, values = cells_of(str(result.summary(X, sample_weight=weights)), "rows")
    icl = float(dict(zip(names, values, strict=True))["ICL"])
    assert icl == pytest.approx(result.bic + 2.0 * surprisal, abs=1e-3)


def test_icl_is_what_overlap_costs():
    X = np.random.default_rng(0).normal(size=(200, 2))
    result = fastgmm.fit(X, 2, random_state=0)
    names, values = cells_of(str(result.summary(X)), "rows")
    facts = dict(zip(names, values, strict=True))
    assert 0.0 < float(facts["ICL"]) - float(facts["BIC"]) < 2 * 200 * np.log(2.0)
    assert "ICL needs" not in str(result.summary(X))


@pytest.mark.parametrize(
    ("rows", "weights", "message"),
    [
        (
            clouds(10),
            None,
            "X and sample_weight must be those of the fit, 180 rows of total weight 180, got 30 of 30",
        ),
        (clouds(), np.full(180, 2.0), "got 180 of 360"),
        (np.zeros((180, 3)), None, "X has 3 features"),
    ],
)
def test_icl_of_other_rows_is_refused(result, rows, weights, message):
    with pytest.raises(ValueError, match=message):
        result.summary(rows, sample_weight=weights)


@pytest.mark.parametrize(
    ("status", "n_iter", "sentence"),
    [
        (Status.CONVERGED, 1, "Converged after 1 iteration, 0.5 s"),
        (Status.MAX_ITER, 100, "Not converged (max_iter) after 100 iterations, 0.5 s"),
        (Status.STOPPED, 2, "Not converged (stopped by callback) after 2 iterations, 0.5 s"),
    ],
)
def test_why_a_fit_stopped(status, n_iter, sentence):
    text = str(FitResult(mixture(2, 2), -10.0, np.zeros(n_iter), status, 10, 10.0, 0.5))
    assert text.split("\n\n")[1] == sentence


def test_what_went_wrong_is_noted():
    wrong = FitResult(
        mixture(2, 2), -1.0, np.zeros(3), Status.CONVERGED, 9, 9.0, 0.5, ("too narrow " * 20,) * 2, n_passed_over=1
    )
    assert "2 starts failed and were set aside; the last: too narrow" in str(wrong)
    assert "1 start ended higher, but with components that the floor" in str(wrong)
    assert max(map(len, str(wrong).splitlines())) <= 80
    assert "1 start failed and was set aside; the last: x" in str(replace(wrong, failures=("x",)))
    right = str(replace(wrong, failures=(), n_passed_over=0))
    assert "ended higher" not in right
    assert "Degenerate" not in right


@pytest.mark.parametrize("name", ["width", "漢字" * 60, "\x1b[31m", "a b " * 60])
def test_components_that_the_floor_holds_up_are_noted(name):
    X = pd.DataFrame(np.concatenate([clouds(), np.full((60, 2), [20.0, 50.0])]), columns=[name, "height"])
    with pytest.warns(fastgmm.FitWarning):
        result = fastgmm.fit(X, 3, random_state=0)
    assert result.degenerate_components
    text = str(result)
    assert "Degenerate: " in text
    assert "".join(visible(result.degeneracy).split()) in "".join(text.split())
    assert all(columns_of(line) <= 80 for line in text.splitlines())
    assert "\x1b" not in text + result._repr_html_()


@pytest.mark.parametrize("covariance_type", STRUCTURES)
@pytest.mark.parametrize(
    ("n_components", "n_features"), [(1, 1), (2, 2), (2, 6), (3, 30), (50, 2), (50, 30), (21, 21), (2, 1000)]
)
def test_any_size_fits_a_terminal_and_says_what_is_left_out(n_components, n_features, covariance_type):
    text = str(mixture(n_components, n_features, covariance_type=covariance_type))
    assert max(map(len, text.splitlines())) <= 80
    assert len(text.splitlines()) < 30
    cells = cells_of(text, "component")
    if cells[1][0] == "weight":
        cells = list(zip(*cells, strict=True))
    n_left_out = n_components - len(cells) + 1, n_features - len(cells[0]) + 2
    said = {noun: int(number) for number, noun in re.findall(r"(\d+) more (component|feature)", text)}
    assert (said.get("component", 0), said.get("feature", 0)) == n_left_out
    assert (n_components > 20) <= (n_left_out[0] > 0)
    if n_components * n_features <= 20:
        assert n_left_out == (0, 0)
    # A fifth of a screen at least is put to use.
    assert (len(cells) - 1) * (len(cells[0]) - 2) >= min(n_components * n_features, 16)


HOSTILE = [
    "年収（万円）",
    "\x1b[31m\ttab\nline",
    "<b>&amp;\"'</b>",
    "e\u0301te\u0301",
    "\u202egnp",
    "\ud800",
    "",
    "$a$",
]


def test_names_of_any_characters():
    m = mixture(2, len(HOSTILE), HOSTILE)
    text, page = str(m), Page(m._repr_html_())
    text.encode()
    assert all(each.isprintable() for each in text.replace("\n", ""))
    shown = [
        "年収（万円）",
        r"\x1b[31m\ttab\nline",
        "<b>&amp;\"'</b>",
        "e\u0301te\u0301",
        r"\u202egnp",
        r"\ud800",
        "",
        "$a$",
    ]
    lines = text.splitlines()[4:]
    for name, line in zip(shown, lines, strict=False):
        assert line.startswith(name)
    assert [row[0] for row in page.tables[0]] == ["component", "weight", *shown]
    # In a terminal a CJK character takes two columns, a combining one none.
    wide = [
        sum(2 if unicodedata.east_asian_width(each) in "WF" else not unicodedata.combining(each) for each in line)
        for line in lines
    ]
    assert len(set(wide[: len(shown)])) == 1
    # MathJax would read two dollar signs as mathematics.
    assert m._repr_html_().startswith('<div class="tex2jax_ignore mathjax_ignore">')


def test_long_names_keep_both_ends():
    names = [f"a column with an uncommonly long name, number {i}" for i in range(3)]
    text = str(mixture(3, 3, names))
    assert all(f"number {i}" in text for i in range(3))
    for width in (5, 10, 11):
        for name in (names[0], "漢字" * 20, "e\u0301" * 30):
            assert width - 2 <= columns_of(shortened(name, width)) <= width
    assert shortened("short", 5) == "short"
    assert shortened("x" * 1_000_000, 11) == "xxxx...xxxx"
    assert visible("漢字 and \u00a0") == r"漢字 and \xa0"


@pytest.mark.parametrize(
    ("mean", "variance", "expected"),
    [
        (4.29, 0.169, "4.290 ± 0.411"),
        (100_012.3, 906.0, "100012.3 ± 30.1"),
        (-1234.5, 1e8, "-1234 ± 10000"),
        (0.0, 1e-20, "0.00e+00 ± 1.00e-10"),
        (1e8 + 2.0, 900.0, "1.00000002e+08 ± 3.00e+01"),
        (3e-300, 1e-300, "3.00e-300 ± 1.00e-150"),
        (1e300, 1e300, "1.00000000e+300 ± 1.00e+150"),
        (5.0, 5e-324, "5.00000000e+00 ± 2.22e-162"),
    ],
)
def test_means_have_the_digits_that_their_spread_allows(mean, variance, expected):
    assert mean_and_deviation(mean, variance) == expected


def test_a_narrow_component_takes_the_place_of_no_feature():
    """Its digits once widened every column."""
    means, variances = np.full((6, 3), 7.02885435), np.full((6, 3), 0.169)
    variances[1] = 9.61e-12
    names, weights = ("eruption (min)", "waiting (min)", "height"), np.full(6, 1 / 6)
    text = str(Mixture(weights, means, variances, "diag", names))
    assert "Not shown" not in text
    assert cells_of(text, "component")[2] == ["1", "0.1667", *["7.029 ± 3.1e-06"] * 3]
    # Where there is room, all digits that have a meaning are shown.
    text = str(Mixture(weights, means[:, :2], variances[:, :2], "diag"))
    assert cells_of(text, "component")[2] == ["1", "0.1667", *["7.02885435 ± 0.00000310"] * 2]


def test_a_tiny_weight_is_not_nought():
    m = Mixture([1.0 - 1e-7, 1e-7], [[0.0], [1.0]], [[[1.0]], [[1.0]]])
    assert [row[1] for row in cells_of(str(m), "component")] == ["weight", "1.0000", "1.0e-07"]


def test_float32_parameters_print_as_numbers():
    X = clouds().astype(np.float32)
    text = str(fastgmm.fit(X, 2, random_state=0))
    assert "np." not in text
    assert "float32" not in text


@pytest.fixture(scope="module")
def selection():
    return fastgmm.select(clouds(20), range(1, 7), STRUCTURES, random_state=0)


def test_a_selection_lists_the_best(selection):
    text = str(selection)
    best = selection.candidates[0]
    title = f"best of 23 candidates by BIC: {best.n_components} components, {best.covariance_type} covariance"
    assert text.splitlines()[0] == f"Selection: {title}"
    assert "lower is better" in text
    assert max(map(len, text.splitlines())) <= 80
    head, *rows = cells_of(text, "K", "BIC")
    assert len(rows) == 10
    assert "Not shown: 13 more candidates, see table() of the selection." in text
    for row, candidate in zip(rows, selection.candidates, strict=False):
        assert row[:3] == [str(candidate.n_components), candidate.covariance_type, str(candidate.n_free)]
        assert float(row[3]) == pytest.approx(candidate.log_likelihood, abs=1e-3)
        assert float(row[4]) == pytest.approx(candidate.bic, abs=1e-3)
        assert row[5:] == [str(candidate.n_iter), "yes" if candidate.converged else "no"]
    # Those of the command line.
    assert head == ["K", "covariance", "parameters", "log-likelihood", "BIC", "iterations", "converged"]
    noted = re.search("With degenerate components: ([^.]*)\\.", " ".join(text.split()))
    expected = [
        f"K={each.n_components} {each.covariance_type}"
        for each in selection.candidates[:10]
        if each.degenerate_components
    ]
    assert (noted[1].split(", ") if noted else []) == expected
    page = Page(selection._repr_html_())
    assert page.tables[0][1][:5] == rows[0][:5]


def test_a_selection_notes_what_went_wrong():
    X = np.concatenate([np.random.default_rng(0).normal(size=(60, 2)), np.full((20, 2), 9.0)])
    with pytest.warns(RuntimeWarning, match="fits failed"):
        selection = fastgmm.select(X, range(1, 4), random_state=0, reg_covar=0.0, max_iter=2, criterion="aic")
    text = str(selection)
    failed = sum(candidate.error is not None for candidate in selection.candidates)
    assert failed
    assert text.count("no fit\n") == failed
    assert f"No fit for {failed} of 3 candidates; the first: K=" in text
    assert max(map(len, text.splitlines())) <= 80
    assert "AIC" in text
    assert "nan" not in text


def test_in_a_list_a_result_is_one_line(result, selection):
    assert repr(result) == "<FitResult: 2 components, 2 features, full covariance>"
    assert repr(result.mixture) == "<Mixture: 2 components, 2 features, full covariance>"
    assert repr(selection).startswith("<Selection: best of 23 candidates by BIC: ")
    # A summary is for looking at, in a session too.
    assert repr(result.summary()) == str(result.summary()) == str(result)


def test_a_notebook_shows_the_same_cells(result):
    page = Page(result._repr_html_())
    text = str(result)
    assert [len(table) for table in page.tables] == [2, 3]
    for table in page.tables:
        for row in table:
            assert "  ".join(row).split() in [line.split() for line in text.splitlines()]
    assert page.text[0] == "Fit of a Gaussian mixture"
    assert page.text[-1] == "ICL needs the rows: summary(X)."


def test_printing_heeds_no_error_state(result, selection):
    with np.errstate(all="raise"):
        assert str(result)
        assert str(selection)
        assert str(result.summary(clouds()))


def test_printing_loads_no_library_of_tables():
    program = (
        "import sys, fastgmm\n"
        "mixture = fastgmm.Mixture([1.0], [[0.0]], [[[1.0]]])\n"
        "assert str(mixture) and mixture._repr_html_()\n"
        "assert not {'rich', 'pandas', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
