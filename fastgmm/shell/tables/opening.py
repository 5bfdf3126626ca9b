"""Text files, opened: compressed or not, in the encoding that is given or marked."""

from __future__ import annotations

import codecs
import gzip
import io
from pathlib import Path
from typing import BinaryIO, TextIO, cast

MARKS = {  # of encodings; that of UTF-16 begins one of UTF-32
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def open_bytes(path: Path) -> BinaryIO:
    """Open a file, decompressed if its suffix is ``.gz``."""
    return cast(BinaryIO, gzip.open(path)) if path.suffix.lower() == ".gz" else path.open("rb")


def open_text(path: Path, encoding: str, errors: str = "strict") -> TextIO:
    """Open a text whose lines end as they end in the file."""
    return io.TextIOWrapper(open_bytes(path), encoding, errors, newline="")


def encoding_of(path: Path, given: str | None) -> str:
    """Return the encoding of a text: UTF-8 if neither one is given nor a mark says another."""
    with open_bytes(path) as file:
        beginning = file.read(4)
    marked = next((encoding for mark, encoding in MARKS.items() if beginning.startswith(mark)), "utf-8")
    # One that is given counts, whatever the first bytes look like; but its own mark is no part of the text.
    return marked if given is None or given.startswith(marked.removesuffix("-sig")) else given
