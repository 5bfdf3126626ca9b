"""From the JSON of a comparison to Markdown: multiples case by case, whole fits, each measurement."""

import statistics

from bench import markdown
from bench.markdown import number, with_spread

# Fits that end so much, in nats per row, below the best of all peers and seeds have not reached the same likelihood.
SAME = 0.01
CASE = "rows x features, components"
ROUNDS = """\
One round of EM from the same start: milliseconds that fastgmm takes, and multiples of them for the others
(least–most). Before that, the parameters of each after the same {long} rounds were held against those of a textbook's
EM in NumPy (`bench/compare/judge.py`)."""
REACHED = """\
Whole fits with everyone's own defaults, start included, {n_seeds} seeds. A fit has *reached* the likelihood if its
mean log-likelihood is at most {same:g} nats per row below the best of all peers and seeds. Seconds until it is
reached are those of all seeds over the number that did: what restarting takes on average."""


def summary(results: dict) -> str:
    """Return a table of rounds and one of whole fits, a column per peer."""
    here = installed(results)
    return "\n\n".join(
        (
            ROUNDS.format(long=results["n_rounds"]),
            multiples(results["rounds"], here),
            REACHED.format(n_seeds=results["n_seeds"], same=SAME),
            until_reached(results["fits"], here),
        )
    )


def details(results: dict) -> str:
    """Return each measurement: a table of rounds and one of whole fits, a line per case and peer."""
    here = installed(results)
    return "\n\n".join(
        (
            "## Rounds",
            measurements(results["rounds"], here),
            "## Whole fits",
            fits(results["fits"], here),
        )
    )


def installed(results: dict) -> dict[str, str]:
    """Return the titles of those that were compared, by name."""
    return {name: peer["title"] for name, peer in results["peers"].items() if "missing" not in peer}


def multiples(rounds: list[dict], titles: dict[str, str]) -> str:
    """Return a line per case, a column per peer."""
    others = [name for name in titles if name != "fastgmm"]
    lines = []
    for result in rounds:
        entries = {entry["peer"]: entry for entry in result["entries"]}
        cells = [
            multiple(entries[name]) + fewer_rows(result, entries[name]) if name in entries else "" for name in others
        ]
        lines.append([result["case"]["name"], milliseconds(entries["fastgmm"]), *cells])
    return markdown.table([CASE, "fastgmm, ms", *(titles[name] for name in others)], lines)


def measurements(rounds: list[dict], titles: dict[str, str]) -> str:
    """Return a line per case and peer."""
    header = (CASE, "peer", "rows", "ms per round", "times fastgmm, per row", "MB beyond the rows")
    header += ("log-likelihood off by", "parameters off by")
    lines = []
    for result in rounds:
        for entry in result["entries"]:
            cells = [milliseconds(entry), "", "", "", ""]
            if entry["failure"] is None:
                differences = [f"{entry[f'{kind}_difference']:.0e}" for kind in ("log_likelihood", "parameter")]
                cells = [milliseconds(entry), multiple(entry), megabytes(entry["megabytes"]), *differences]
            rows = f"{entry['rows']:g}" if "rows" in entry else ""
            lines.append([result["case"]["name"], titles[entry["peer"]], rows, *cells])
    return markdown.table(header, lines, n_left=2)


def fits(results: list[dict], titles: dict[str, str]) -> str:
    """Return a line per problem and peer."""
    header = (CASE, "peer", "seconds of a fit", "times fastgmm", "below the best, nats per row", "reached")
    header += ("seconds until reached", "times fastgmm")
    lines = []
    for result in results:
        ends = outcomes(result)
        for entry in result["entries"]:
            name = titles[entry["peer"]] + (f" ({entry['dtype']})" if entry["dtype"] != "float64" else "")
            line = [result["case"]["name"], name]
            if entry["failure"] is not None:
                lines.append([*line, said(entry), "", "", "", "", ""])
                continue
            end = ends[entry["peer"]]
            lines.append(
                [
                    *line,
                    number(statistics.median(entry["seconds"])),
                    multiple(entry),
                    f"{end['lacks']:.2g}",
                    f"{end['reached']} of {len(entry['seconds'])}",
                    number(end["until_reached"]),
                    number(end["multiple"]),
                ]
            )
    return markdown.table(header, lines, n_left=2)


def until_reached(results: list[dict], titles: dict[str, str]) -> str:
    """Return a line per problem, a column per peer; how many fits got there, where not all did."""
    others = [name for name in titles if name != "fastgmm"]
    lines = []
    for result in results:
        ends, entries = outcomes(result), {entry["peer"]: entry for entry in result["entries"]}
        cells = [until(entries[name], ends.get(name)) if name in entries else "" for name in titles]
        lines.append([result["case"]["name"], *cells])
    return markdown.table([CASE, "fastgmm, s", *(titles[name] for name in others)], lines)


def until(entry: dict, end: dict | None) -> str:
    """Fastgmm's seconds or another's multiple of them until the likelihood is reached, or why there are none."""
    if end is None:
        return reason(entry)
    value = end["until_reached" if entry["peer"] == "fastgmm" else "multiple"]
    text = number(value) if end["reached"] else "never"
    seeds = len(entry["seconds"])
    return text if end["reached"] == seeds else f"{text} ({end['reached']} of {seeds})"


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
    missing = [f"{peer['title']}, {peer['missing']}: `{peer['install']}`" for peer in peers if "missing" in peer]
    notes = [f"{peer['title']}: {peer['note']}" for peer in peers if peer["note"] and "missing" not in peer]
    one_thread = [peer["title"] for peer in peers if not peer["threads"] and "missing" not in peer]
    versions = {name: each for peer in peers for name, each in peer.get("versions", {}).items()}
    sentences = [
        f"Not compared: {'; '.join(missing)}." if missing else "",
        f"Notes. {'; '.join(notes)}." if notes else "",
        f"One thread only: {', '.join(one_thread)}." if one_thread else "",
        "Multiples are per row where a peer that would take too long has fewer of them.",
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
    return number(1e3 * entry["rows"] * statistics.median(entry["seconds_per_row_and_round"]))


def multiple(entry: dict) -> str:
    """Multiple of fastgmm's time with its spread, or why there is none."""
    if entry["failure"] is not None:
        return reason(entry)
    if "multiple" not in entry:
        return ""
    return with_spread(entry["multiple"])


def fewer_rows(result: dict, entry: dict) -> str:
    """Say on how many rows a peer was timed that would have taken too long on all."""
    if entry["failure"] is not None or entry["rows"] == result["case"]["n_samples"]:
        return ""
    return f" on {number(entry['rows'])} rows"


def megabytes(value: float | None) -> str:
    return "" if value is None else number(round(value))


def reason(entry: dict) -> str:
    """Return what failed, in a few words."""
    return said(entry).split(",")[0].split(":")[0]


def said(entry: dict) -> str:
    return entry["failure"].replace("|", "/")
