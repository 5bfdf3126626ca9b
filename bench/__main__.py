"""``python -m bench``: ``run`` verifies and times, ``ladder`` climbs, ``compare`` compares, ``report`` writes."""

import dataclasses
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, NoReturn

import numba
import typer

from bench import report as reporting
from bench import run as running
from bench import serial
from bench.cases import CASES, Case
from bench.compare import plot as compare_plot
from bench.compare import study
from bench.compare import table as compare_table
from bench.compare.client import Missing
from bench.compare.grid import GRIDS
from bench.compare.registry import PEERS
from bench.ladder import NAMES, climb, show
from fastgmm._files import new_file
from fastgmm.shell import interrupt

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
ROOT = Path(__file__).parent
Out = Annotated[
    Path | None,
    typer.Option(
        help="The JSON to write. By default that of the documents, or one beside it for a part of the run.",
        show_default=False,
    ),
]


def fail(message: str) -> NoReturn:
    print(f"Error: {message}", file=sys.stderr)
    raise typer.Exit(2)


def check_names(option: str, names: Iterable[str] | None, allowed: Collection[str]) -> None:
    for name in names or ():
        if name not in allowed:
            fail(f"{option} {name!r} is not one of {', '.join(map(repr, allowed))}")


def destination(out: Path | None, name: str, *, whole: bool) -> Path:
    """Return the JSON to write, by default the committed one only if the run is `whole`: documents are made of it."""
    path = out or ROOT / f"{name}{'' if whole else '-partial'}.json"
    check_writable("--out", path)
    return path


def write(results: dict, path: Path) -> None:
    running.write(results, path)
    print(f"written to {path}", file=sys.stderr)


def check_writable(option: str, path: Path) -> None:
    """Fail before the work, not after it."""
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        fail(f"{option} {path}: {path.parent} is not a directory that can be written")


@app.command()
def run(
    case: Annotated[list[str] | None, typer.Option(help="A case to run; repeat it for more. All by default.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="How often each implementation has its turn.")] = 7,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the rows, three turns.")] = False,
    out: Out = None,
) -> None:
    """Verify that all implementations agree, then time them in turn."""
    check_names("--case", case, CASES)
    path = destination(out, "results", whole=not case and not quick)
    cases = [CASES[name] for name in case or CASES]
    if quick:
        turns = min(turns, 3)
        cases = [dataclasses.replace(each, n_samples=each.n_samples // 10) for each in cases]
    try:
        # The plot belongs to a run of everything.
        results = running.benchmark(cases, turns, scaling=not case and not quick)
    except RuntimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    write(results, path)
    print(reporting.table(results))
    print(f"\n{serial.table(results)}")


@app.command()
def ladder(
    n: Annotated[
        int | None, typer.Option(min=1, help="Rows. Without --n, --d and --k: both problems of the ladder.")
    ] = None,
    d: Annotated[int | None, typer.Option(min=1, help="Features.")] = None,
    k: Annotated[int | None, typer.Option(min=1, help="Components.")] = None,
    rung: Annotated[
        list[str] | None, typer.Option(help="A rung to climb; repeat it for more. All by default.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Three short turns.")] = False,
    out: Out = None,
    plot: Annotated[Path | None, typer.Option(help="The picture to draw.", show_default=False)] = None,
) -> None:
    """Verify every rung from the blog's loop to fastgmm, then time them in turn."""
    check_names("--rung", rung, NAMES)
    cases = climb.PROBLEMS
    if (n, d, k) != (None, None, None):
        first = cases[0]
        cases = (Case(n or first.n_samples, d or first.n_features, k or first.n_components),)
        if cases[0].n_samples < climb.LEAST_ROWS * cases[0].n_components:
            fail(
                f"--n {cases[0].n_samples} is too few for --k {cases[0].n_components}: "
                f"at least {climb.LEAST_ROWS} rows a component are wanted"
            )
    # Every rung is compared with the first.
    names = tuple(name for name in NAMES if not rung or name in rung or name == NAMES[0])
    path = destination(out, "ladder", whole=not quick and cases is climb.PROBLEMS and not rung)
    if plot is not None:
        check_writable("--plot", plot)

    def say_stopped() -> None:
        print("Stopped; nothing is written", file=sys.stderr)

    try:
        with interrupt.last_act(say_stopped):
            results = climb.climb(cases, names, turns=3 if quick else 7, seconds_a_turn=0.1 if quick else 0.5)
    except RuntimeError as error:
        print(f"Error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        say_stopped()
        raise
    write(results, path)
    if plot is not None:
        with new_file(plot) as scratch:
            show.plot(results, scratch)
    for problem in results["problems"]:
        print(f"{show.size(problem)}\n\n{show.table(problem)}\n")


@app.command()
def compare(
    grid: Annotated[str, typer.Option(help="What is compared: small or full.")] = "small",
    peer: Annotated[list[str] | None, typer.Option(help="A peer; repeat it for more. All by default.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="How often each peer has its turn.")] = 3,
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of each; by default Numba's number.")] = None,
    out: Out = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw a picture beside the JSON.")] = False,
) -> None:
    """Compare fastgmm with its peers: the same rounds, answers before times, then whole fits."""
    check_names("--grid", [grid], GRIDS)
    check_names("--peer", peer, PEERS)
    path = destination(out, "compare", whole=not peer)
    chosen = {name: each for name, each in PEERS.items() if not peer or name in ("fastgmm", *peer)}
    try:
        results = study.compare(chosen, GRIDS[grid], turns, threads or numba.get_num_threads(), required=peer or ())
    except Missing as missing:
        fail(f"--peer {missing}")
    write(results, path)
    parts = compare_table.details(results), compare_table.summary(results), compare_table.provenance(results)
    print("\n\n".join(parts))
    if plot:
        compare_plot.draw(results, path.with_suffix(".png"))


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="The JSON of a run.")] = ROOT / "results.json",
    ladder: Annotated[Path, typer.Option(help="The JSON of a climb.")] = ROOT / "ladder.json",
    comparison: Annotated[Path, typer.Option(help="The JSON of a comparison.")] = ROOT / "compare.json",
    readme: Annotated[Path, typer.Option(help="The file with the markers.")] = ROOT.parent / "README.md",
) -> None:
    """Write the tables and plots of the runs into the documentation, and the short table into the README."""
    documents = readme.parent / "docs"
    loaded = load(results, reporting.table)
    climbed = load(ladder, lambda climb: [show.table(problem) for problem in climb["problems"]])
    compared = load(comparison, compare_table.summary)
    try:
        reporting.update(readme, documents / "speed.md", loaded)
        if loaded["scaling"]:
            reporting.plot_scaling(loaded["scaling"], documents / "scaling.png")
        reporting.update_ladder(documents / "ladder.md", climbed)
        show.plot(climbed, documents / "ladder.png")
        reporting.update_comparison(documents / "comparison.md", compared)
        compare_plot.draw(compared, documents / "compare.png")
    except (OSError, ValueError) as error:
        fail(str(error))


def load(path: Path, render: Callable[[dict], object]) -> dict:
    """Read the JSON of a run, which is one if it can be rendered."""
    try:
        loaded = json.loads(path.read_text())
        render(loaded)
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"{path} is not the JSON of a run: {error}")
    return loaded


with interrupt.heeded():
    app(prog_name="python -m bench")
