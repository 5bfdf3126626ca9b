"""From the JSON of runs to the tables of ``docs``, and a small one in the README, between markers."""

import json
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench import markdown, serial
from bench.compare import table as compare_table
from bench.environment import machine
from bench.ladder import show
from bench.markdown import number

# What a newcomer sees: few features and many, each structure's kind of work, single precision.
SHORT = (
    "1e+06 x 2, K = 4",
    "1e+06 x 8, K = 8",
    "100000 x 32, K = 32",
    "1e+06 x 8, K = 8, diag",
    "1e+06 x 8, K = 8, float32",
)


def short_table(results: dict) -> str:
    """Markdown: milliseconds of a round and multiples of them, for the cases of the README."""
    header = ("rows x features, components", "ms per round", "times scikit-learn", "times oneDAL")
    rows = []
    for result in results["results"]:
        entries = {entry["name"]: entry for entry in result["implementations"]}
        if result["case"]["name"] in SHORT:
            peers = [multiple(entries.get(peer)) for peer in ("scikit-learn", "oneDAL")]
            rows.append([result["case"]["name"], milliseconds(entries["fastgmm"]), *peers])
    where = results["environment"]
    return f"{markdown.table(header, rows)}\n\n{where['processor']}, {where['threads']} threads, {where['date']}."


def table(results: dict) -> str:
    """Markdown: a line per case, memory, machine and command."""
    header = ("rows x features, components", "ms per round", "share of the limit (least–most)")
    header += ("times scikit-learn", "times oneDAL", "largest difference")
    rows = []
    for result in results["results"]:
        entries = {entry["name"]: entry for entry in result["implementations"]}
        own = entries["fastgmm"]
        name = result["case"]["name"]
        least, share, most = own["share_of_limit"]
        peers = [multiple(entries.get(peer)) for peer in ("scikit-learn", "oneDAL")]
        difference = max(entry["difference"] for entry in entries.values())
        shares = f"{share:.2f} ({least:.2f}–{most:.2f})"
        rows.append([name, milliseconds(own), shares, *peers, f"{difference:.0e}"])
    lines = [markdown.table(header, rows)]
    if results["scaling"]:
        lines += [
            "",
            "![Seconds per round against rows, features and components, fastgmm, scikit-learn and the limit]"
            "(scaling.png)",
        ]
    peaks = "; ".join(f"{name}: {value:.0f} MB" for name, value in results["memory"].items())
    lines += [
        "",
        f"Peak memory of a default fit beyond the data: {peaks or 'not measured'}.",
        "",
        f"{provenance(results)} The limit is what this machine could do at best (`bench/limit.py`).",
    ]
    return "\n".join(lines)


def provenance(results: dict) -> str:
    """Name turns, machine, versions, date and command of a run."""
    where = results["environment"]
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "numba", "numpy", "scikit-learn", "oneDAL"))
    return (
        f"Medians of {results['turns']} turns. {where['processor']} ({', '.join(where['features'])}), "
        f"{where['threads']} threads ({where['threading_layer']}), {versions}; {where['date']}; `{where['command']}`."
    )


def milliseconds(entry: dict) -> str:
    """Median time of a round."""
    return number(1e3 * statistics.median(entry["seconds_per_round"]))


def multiple(entry: dict | None) -> str:
    """Median multiple of fastgmm's time, or nothing for an implementation that cannot do the case."""
    return number(entry and entry["multiple"][1])


def plot_scaling(scaling: dict, path: Path) -> None:
    """Draw seconds per round against N, D and K on log axes, with the limit as a line."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    labels = {
        "n_samples": "rows (4 features, 8 components)",
        "n_features": "features (20 000 rows, 8 components)",
        "n_components": "components (20 000 rows, 8 features)",
    }
    panels = figure.subplots(1, len(scaling), sharey=True)
    for axes, (axis, points) in zip(panels, scaling.items(), strict=True):
        at = [point["at"] for point in points]
        for name, style, color in (
            ("scikit-learn", "s-", "#eb6834"),
            ("fastgmm", "o-", "#2a78d6"),
            ("limit", "--", "#555555"),
        ):
            label = "limit of the machine" if name == "limit" else name
            axes.loglog(at, [point[name] for point in points], style, color=color, label=label, markersize=4)
        axes.set_xlabel(labels[axis])
        axes.grid(True, which="major", color="#dddddd", linewidth=0.6)
    panels[0].set_ylabel("seconds per round")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    figure.savefig(path, dpi=130)


def update(readme: Path, speed: Path, results: dict) -> None:
    """Put the short table into `readme`, and into `speed` all of it, and what many threads leave idle."""
    readme.write_text(between(readme.read_text(), "bench", short_table(results), readme))
    idle = f"{serial.table(results)}\n\n{provenance(results)}"
    text = between(speed.read_text(), "bench", table(results), speed)
    speed.write_text(between(text, "serial", idle, speed))


def update_ladder(walk: Path, results: dict) -> None:
    """Put the ladder's tables and what each rung gained into `walk`."""
    tables = [f"**{show.size(problem)}**\n\n{show.table(problem)}" for problem in results["problems"]]
    text = between(walk.read_text(), "ladder", "\n\n".join([*tables, provenance(results)]), walk)
    for rung in results["problems"][0]["rungs"]:
        text = between(text, rung["name"], show.sentence(results, rung["name"]), walk)
    walk.write_text(text)


def update_comparison(page: Path, results: dict) -> None:
    """Put a comparison's summary and each of its measurements into `page`."""
    picture = "![Multiples of fastgmm's time, by case and peer](compare.png)"
    parts = [
        compare_table.summary(results),
        picture,
        compare_table.details(results),
        compare_table.provenance(results),
    ]
    page.write_text(between(page.read_text(), "compare", "\n\n".join(parts), page))


def keep(out: Path, page: Path, key: str, measured: dict[str, Any], table: str, before: str = "") -> None:
    """Write what ``python -m bench.NAME`` measured into `out`, ``NAME.json``, and its table between marks of `page`.

    Beneath the table stands, after `before`, where that was.
    """
    where = {**machine(), "command": f"python -m bench.{out.stem}"}
    out.write_text(json.dumps({"machine": where, key: measured}, indent=1) + "\n")
    text = f"{table}\n\n{before}{where['processor']}, {where['date']}; `{where['command']}`."
    page.write_text(between(page.read_text(), out.stem, text, page))
    print(table)


def measure_named(
    names: list[str],
    cases: Iterable[str],
    out: Path,
    measure: Callable[[str], dict[str, Any]],
    write: Callable[[dict[str, Any]], None],
) -> int:
    """Measure the cases of these names anew, or all, and write what there is after each; return the exit code."""
    unknown = set(names) - set(cases)
    if unknown:
        print(f"Error: {min(unknown)!r} is not one of {', '.join(map(repr, cases))}", file=sys.stderr)
        return 2
    measured = json.loads(out.read_text())["cases"] if names and out.exists() else {}
    for name in names or cases:
        print(name, file=sys.stderr)
        measured[name] = measure(name)
        write({each: measured[each] for each in cases if each in measured})
    return 0


def between(text: str, marker: str, content: str, path: Path) -> str:
    """Return `text` with `content` between the two comments of a marker."""
    begin, end = f"<!-- {marker}:begin -->", f"<!-- {marker}:end -->"
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{path} must have {begin} and {end} once each")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
