"""From the JSON of a comparison to Markdown: multiples case by case, whole fits, each measurement."""

import statistics

# Fits that end so much, in nats per row, below the best of all peers and seeds have not reached the same likelihood.
SAME = 0.01
ROUNDS = """\
One round of EM from the same start: milliseconds that fastgmm takes, and multiples of them for the others
(least–most). Before that, the parameters of each after the same {long} rounds were held against those of a textbook's
EM in NumPy (`bench/compare/judge.py`)."""
FITS = """\
Whole fits with everyone's own defaults, start included, {n_seeds} seeds. A fit has *reached* the likelihood if its
mean log-likelihood is at most {same:g} nats per row below the best of all peers and seeds. *Until reached* is the
time of all seeds over the number that did: what restarting takes on average."""


def tables(results: dict) -> str:
    """Return all tables, and where they were measured."""
    here = {name: peer["title"] for name, peer in results["peers"].items() if "missing" not in peer}
    return "\n\n".join(
        (
            ROUNDS.format(long=results["n_rounds"]),
            multiples(results["rounds"], here),
            FITS.format(n_seeds=results["n_seeds"], same=SAME),
            fits(results["fits"], here),
            "<details><summary>Seconds, memory and agreement of each</summary>",
            measurements(results["rounds"], here),
            "</details>",
            provenance(results),
        )
    )


def multiples(rounds: list[dict], titles: dict[str, str]) -> str:
    """Return a line per case, a column per peer."""
    others = [name for name in titles if name != "fastgmm"]
    lines = [["rows x features, components", "fastgmm, ms", *(titles[name] for name in others)]]
    for result in rounds:
        entries = {entry["peer"]: entry for entry in result["entries"]}
        cells = [multiple(entries[name]) if name in entries else "" for name in others]
        lines.append([result["case"]["name"], milliseconds(entries["fastgmm"]), *cells])
    return markdown(lines, n_left=1)


def measurements(rounds: list[dict], titles: dict[str, str]) -> str:
    """Return a line per case and peer."""
    lines = [
        [
            "rows x features, components",
            "peer",
            "rows",
            "ms per round",
            "times fastgmm, per row",
            "MB beyond the rows",
            "log-likelihood off by",
            "parameters off by",
        ]
    ]
    for result in rounds:
        for entry in result["entries"]:
            cells = [milliseconds(entry), "", "", "", ""]
            if entry["failure"] is None:
                differences = [f"{entry[f'{kind}_difference']:.0e}" for kind in ("log_likelihood", "parameter")]
                cells = [milliseconds(entry), multiple(entry), megabytes(entry["megabytes"]), *differences]
            rows = f"{entry['rows']:g}" if "rows" in entry else ""
            lines.append([result["case"]["name"], titles[entry["peer"]], rows, *cells])
    return markdown(lines, n_left=2)


def fits(results: list[dict], titles: dict[str, str]) -> str:
    """Return a line per problem and peer."""
    lines = [
        [
            "rows x features, components",
            "peer",
            "seconds of a fit",
            "times fastgmm",
            "below the best, nats per row",
            "reached",
            "seconds until reached",
            "times fastgmm",
        ]
    ]
    for result in results:
        ends = outcomes(result)
        for entry in result["entries"]:
            name = titles[entry["peer"]] + (f" ({entry['dtype']})" if entry["dtype"] != "float64" else "")
            line = [result["case"]["name"], name]
            if entry["failure"] is not None:
                lines.append([*line, said(entry), "", "", "", "", ""])
                continue
            end = ends[entry["peer"]]
            until = ["", ""]
            if end["until_reached"] is not None:
                until = [f"{end['until_reached']:.3g}", f"{end['multiple']:.3g}" if end["multiple"] else ""]
            lines.append(
                [
                    *line,
                    f"{statistics.median(entry['seconds']):.3g}",
                    multiple(entry),
                    f"{end['lacks']:.2g}",
                    f"{end['reached']} of {len(entry['seconds'])}",
                    *until,
                ]
            )
    return markdown(lines, n_left=2)


def outcomes(result: dict) -> dict[str, dict]:
    """Return what each peer's fits of a problem came to.

    ``lacks`` is the median distance to the best mean log-likelihood of all, ``reached`` the number of fits that are
    as good, ``until_reached`` the seconds per such fit (None without one), ``multiple`` those over fastgmm's.
    """
    complete = {entry["peer"]: entry for entry in result["entries"] if entry["failure"] is None}
    best = max((value for entry in complete.values() for value in entry["log_likelihoods"]), default=0.0)
    ends = {}
    for name, entry in complete.items():
        lacks = [best - value for value in entry["log_likelihoods"]]
        reached = sum(lack <= SAME for lack in lacks)
        until = sum(entry["seconds"]) / reached if reached else None
        ends[name] = {"lacks": statistics.median(lacks), "reached": reached, "until_reached": until}
    own = ends.get("fastgmm", {}).get("until_reached")
    for end in ends.values():
        end["multiple"] = end["until_reached"] / own if own and end["until_reached"] else None
    return ends


def provenance(results: dict) -> str:
    """Who could not be compared, what stands out, versions, machine and command."""
    peers, where = results["peers"].values(), results["environment"]
    missing = [f"{peer['title']} (`{peer['install']}`)" for peer in peers if "missing" in peer]
    notes = [f"{peer['title']}: {peer['note']}" for peer in peers if peer["note"] and "missing" not in peer]
    one_thread = [peer["title"] for peer in peers if not peer["threads"] and "missing" not in peer]
    versions = {name: each for peer in peers for name, each in peer.get("versions", {}).items()}
    sentences = [
        f"Not installed in this run: {', '.join(missing)}." if missing else "",
        f"Notes. {'; '.join(notes)}." if notes else "",
        f"One thread only: {', '.join(one_thread)}." if one_thread else "",
        "A peer that would take too long has fewer rows; its multiples are per row.",
        f"Medians of {results['turns']} turns. {where['processor']} ({', '.join(where['features'])}), "
        f"{where['threads']} threads, python {where['python']}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items())
        + f"; {where['date']}; `{where['command']}`. `bench/peers.md` says how peers are installed.",
    ]
    return " ".join(filter(None, sentences))


def milliseconds(entry: dict) -> str:
    """Of a round on the rows that it was given, or why there is none."""
    if entry["failure"] is not None:
        return said(entry)
    return f"{1e3 * entry['rows'] * statistics.median(entry['seconds_per_row_and_round']):,.1f}"


def multiple(entry: dict) -> str:
    """Multiple of fastgmm's time with its spread, or why there is none."""
    if entry["failure"] is not None:
        return said(entry).split(",")[0].split(":")[0]
    if "multiple" not in entry:
        return ""
    least, median, most = (f"{each:,.3g}" for each in entry["multiple"])
    return median if least == most else f"{median} ({least}–{most})"


def megabytes(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def said(entry: dict) -> str:
    return entry["failure"].replace("|", "/")


def markdown(lines: list[list[str]], n_left: int) -> str:
    """Return a table, its first columns to the left, the others to the right."""
    rule = ["---"] * n_left + ["--:"] * (len(lines[0]) - n_left)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (lines[0], rule, *lines[1:]))
