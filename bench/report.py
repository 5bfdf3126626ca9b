"""From the JSON of a run to the README's table, between markers."""

import statistics
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def table(results: dict) -> str:
    """Markdown: a line per case and implementation, memory, machine and command."""
    lines = [
        "| rows x features, components | implementation | ms per round and 10⁶ rows | times fastgmm's (least–most) "
        "| largest difference |",
        "|---|---|--:|--:|--:|",
    ]
    for result in results["results"]:
        for entry in result["implementations"]:
            milliseconds = 1e9 * statistics.median(entry["seconds_per_row_and_round"])
            least, median, most = entry["multiple"]
            name = entry["name"]
            if entry["rows"] < result["case"]["n_samples"]:
                name += f" ({entry['rows']} rows)"
            multiple = "1" if least == most else f"{median:,.0f} ({least:,.0f}–{most:,.0f})"
            difference = f"{entry['difference']:.0e}" if entry["difference"] else ""
            lines.append(f"| {result['case']['name']} | {name} | {milliseconds:,.1f} | {multiple} | {difference} |")
    peaks = "; ".join(f"{name}: {value:.0f} MB" for name, value in results["memory"].items())
    where = results["environment"]
    versions = ", ".join(f"{name} {where[name]}" for name in ("python", "numba", "numpy", "scikit-learn"))
    lines += [
        "",
        f"Peak memory of a default fit beyond the data: {peaks or 'not measured'}.",
        "",
        f"Medians of {results['turns']} turns. {where['processor']} ({', '.join(where['features'])}), "
        f"{where['threads']} threads ({where['threading_layer']}), {versions}; {where['date']}; "
        f"`{where['command']}`. The slow loops got fewer rows of the same mixture, and their time is scaled up.",
    ]
    return "\n".join(lines)


def update(readme: Path, results: dict) -> None:
    """Put the table between the markers of `readme`; ValueError if it has none."""
    text = readme.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{readme} must have {BEGIN} and {END} once each")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    readme.write_text(f"{before}{BEGIN}\n{table(results)}\n{END}{after}")
