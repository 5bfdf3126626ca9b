"""Every example of docs/command_line.md and of the README's shell part does what is shown."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "command_line.md"
if not PAGE.exists():
    pytest.skip("the documents are not part of an installed package", allow_module_level=True)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the examples are for a Unix shell")


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Run a line of shell in a directory with the documents' data; return all that it prints."""
    directory = tmp_path_factory.mktemp("shell")
    (directory / "docs").mkdir()
    for path in (ROOT / "docs").glob("*.csv"):
        shutil.copy(path, directory / "docs")
    command = directory / "bin" / "fastgmm"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m fastgmm "$@"\n')
    command.chmod(0o755)
    environment = {**os.environ, "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "80"}

    def run(line):
        done = subprocess.run(
            line, shell=True, cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        return done.stderr + done.stdout, directory

    return run


def examples(path):
    """Pairs of a command and what it prints, in the order of the page."""
    blocks = re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL)
    parts = [part for block in blocks for part in block.split("$ ")[1:]]
    return [tuple(part.split("\n", 1)) for part in parts]


def words_of(text):
    """Words without the stage that only a first fit has, and without seconds."""
    text = re.sub(r"(?m)^ *compiling.*\n", "", text)
    text = re.sub(r"(?m)^(  seconds|    \w+) +[\d.]+ *$", r"\1", text)
    return text.split()


def is_close(word, shown):
    try:
        return float(word.strip("(,")) == pytest.approx(float(shown.strip("(,")), rel=1e-2)
    except ValueError:
        return word == shown


def test_every_example_prints_what_is_shown(shell):
    for command, shown in examples(PAGE):
        printed, _ = shell(command)
        words, expected = words_of(printed), words_of(shown)
        assert len(words) == len(expected), f"{command}\n{printed}"
        wrong = [pair for pair in zip(words, expected, strict=True) if not is_close(*pair)]
        assert not wrong, f"{command}\n{printed}"


def test_a_messy_file_goes_to_joined_labels_with_one_command(shell):
    """An id, words, thousands, a missing value, semicolons: what is known of each customer, and a label."""
    command = next(command for command, _ in examples(PAGE) if " fit " in f" {command} " and "--out" in command)
    _, directory = shell(command)
    customers = pd.read_csv(ROOT / "docs" / "customers.csv", sep=";", decimal=",", thousands=".", dtype={"id": str})
    labels = pd.read_csv(directory / "customers" / "labels.csv", dtype={"id": str})
    joined = customers.merge(labels, on="id", suffixes=("", " kept"), validate="one_to_one")
    assert len(joined) == len(customers) == 60
    assert (joined["town"] == joined["town kept"]).all()
    assert (joined["label"].isna() == joined["income (EUR)"].isna()).all()
    assert joined["label"].isna().sum() == 1
    known = joined.dropna()
    assert set(known["label"]) == {0, 1}
    rich = known.groupby("label")["income (EUR)"].mean().idxmax()
    assert ((known["label"] == rich) == (known["income (EUR)"] > 50_000)).all()


def test_the_readme_names_files_that_exist():
    named = re.findall(r"fastgmm (?:fit|predict \S+) ([^-\s]\S*)", (ROOT / "README.md").read_text())
    files = [name for name in named if not name.startswith("--")]
    assert files
    assert all((ROOT / name).exists() for name in files), files
