"""``python -m bench run`` verifies and times; ``python -m bench report`` writes the README's table."""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench import report as reporting
from bench import run as running
from bench.cases import CASES

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
ROOT = Path(__file__).parent


def fail(message: str) -> None:
    print(f"Error: {message}", file=sys.stderr)
    raise typer.Exit(2)


@app.command()
def run(
    case: Annotated[list[str] | None, typer.Option(help="A case to run; repeat it for more. All by default.")] = None,
    turns: Annotated[int, typer.Option(min=1, help="How often each implementation has its turn.")] = 7,
    quick: Annotated[bool, typer.Option("--quick", help="A tenth of the rows, three turns.")] = False,
    out: Annotated[Path, typer.Option(help="The JSON to write.")] = ROOT / "results.json",
) -> None:
    """Verify that all implementations agree, then time them in turn."""
    for name in case or ():
        if name not in CASES:
            fail(f"--case {name!r} is not one of {', '.join(map(repr, CASES))}")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        fail(f"--out {out}: {out.parent} is not a directory that can be written")
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
    running.write(results, out)
    print(reporting.table(results))


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="The JSON of a run.")] = ROOT / "results.json",
    readme: Annotated[Path, typer.Option(help="The file with the markers.")] = ROOT.parent / "README.md",
) -> None:
    """Write the table of a run into the README, and its plot beside the documentation."""
    try:
        loaded = json.loads(results.read_text())
        reporting.table(loaded)
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(f"{results} is not the JSON of a run: {error}")
    try:
        reporting.update(readme, loaded)
        if loaded["scaling"]:
            reporting.plot_scaling(loaded["scaling"], readme.parent / "docs" / "scaling.png")
    except (OSError, ValueError) as error:
        fail(str(error))


app(prog_name="python -m bench")
