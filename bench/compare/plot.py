"""The comparison's picture: multiples of fastgmm's time, a line per case, a mark per peer."""

from pathlib import Path

from bench.compare.table import outcomes


def draw(results: dict, path: Path) -> None:
    """Draw rounds above, whole fits until they reach the likelihood below; fastgmm is the line at 1."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter

    from fastgmm.pictures.drawing import COLORS, MARKERS

    panels = {
        "one round of EM": [
            {entry["peer"]: entry["multiple"] for entry in result["entries"] if "multiple" in entry}
            for result in results["rounds"]
        ],
        f"whole fit until the likelihood is reached, {results['n_seeds']} seeds": [
            {name: [end["multiple"]] * 3 for name, end in outcomes(result).items() if end["multiple"]}
            for result in results["fits"]
        ],
    }
    names = [[result["case"]["name"] for result in results[key]] for key in ("rounds", "fits")]
    others = [name for name, peer in results["peers"].items() if name != "fastgmm" and "missing" not in peer]
    heights = [len(each) + 1.5 for each in names]
    figure = Figure(figsize=(9.0, 1.2 + 0.27 * sum(heights)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, sharex=True, height_ratios=heights)
    for panel, (title, cases), labels in zip(axes, panels.items(), names, strict=True):
        panel.set_title(title, fontsize="medium", loc="left")
        panel.axvline(1.0, color="#222222", linewidth=1.5, label="fastgmm")
        for i, name in enumerate(others):
            at = [(y, case[name]) for y, case in enumerate(cases) if name in case]
            y, spreads = [each[0] for each in at], [each[1] for each in at]
            middle = [median for _, median, _ in spreads]
            reach = [[m - a for a, m, _ in spreads], [b - m for _, m, b in spreads]]
            style = {"color": COLORS[i % len(COLORS)], "marker": MARKERS[i % len(MARKERS)], "linestyle": "none"}
            panel.errorbar(middle, y, xerr=reach, label=results["peers"][name]["title"], markersize=5, **style)
        panel.set_yticks(range(len(labels)), labels, fontsize="small")
        panel.set_ylim(len(labels) - 0.5, -0.5)
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.grid(True, axis="both", color="#dddddd", linewidth=0.6)
        panel.set_axisbelow(True)
    axes[-1].set_xlabel("times fastgmm's seconds; right of the line is slower")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=5, frameon=False)
    figure.savefig(path, dpi=130)
