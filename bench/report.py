"""From the JSON of a run to the README's table, between markers."""

import statistics
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def table(results: dict) -> str:
    """Markdown: a line per case, the slow loops, memory, machine and command."""
    lines = [
        "| rows x features, components | ms per round | share of the limit (least–most) | times scikit-learn "
        "| times oneDAL | largest difference |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    loops = []
    for result in results["results"]:
        entries = {entry["name"]: entry for entry in result["implementations"]}
        own = entries["fastgmm"]
        rows = result["case"]["n_samples"]
        name = result["case"]["name"]
        milliseconds = 1e3 * rows * statistics.median(own["seconds_per_row_and_round"])
        least, share, most = own["share_of_limit"]
        peers = [multiple(entries.get(peer)) for peer in ("scikit-learn", "oneDAL")]
        difference = max(entry["difference"] for entry in entries.values())
        lines.append(
            f"| {name} | {milliseconds:,.1f} | {share:.2f} ({least:.2f}–{most:.2f}) | {peers[0]} | {peers[1]} "
            f"| {difference:.0e} |"
        )
        loops += [
            f"{multiple(entry)} times {entry['name']} ({entry['rows']} rows) at {name}"
            for entry in entries.values()
            if entry["rows"] < rows
        ]
    if loops:
        lines += ["", "Per row it is " + "; ".join(loops) + "."]
    if results["scaling"]:
        lines += [
            "",
            "![Seconds per round against rows, features and components, fastgmm, scikit-learn and the limit]"
            "(docs/scaling.png)",
        ]
    peaks = "; ".join(f"{name}: {value:.0f} MB" for name, value in results["memory"].items())
    where = results["environment"]
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "numba", "numpy", "scikit-learn", "oneDAL"))
    lines += [
        "",
        f"Peak memory of a default fit beyond the data: {peaks or 'not measured'}.",
        "",
        f"Medians of {results['turns']} turns. {where['processor']} ({', '.join(where['features'])}), "
        f"{where['threads']} threads ({where['threading_layer']}), {versions}; {where['date']}; "
        f"`{where['command']}`. The limit is what this machine could do at best (`bench/limit.py`).",
    ]
    return "\n".join(lines)


def multiple(entry: dict | None) -> str:
    """Median multiple of fastgmm's time, or nothing for an implementation that cannot do the case."""
    return "" if entry is None else f"{entry['multiple'][1]:,.3g}".removesuffix(".0")


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


def update(readme: Path, results: dict) -> None:
    """Put the table between the markers of `readme`; ValueError if it has none."""
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{readme} must have {BEGIN} and {END} once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}")
