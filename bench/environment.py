"""Where a run was made: machine, versions, command and date."""

import datetime
import importlib.metadata
import os
import platform
import shlex
import sys
from pathlib import Path


def machine() -> dict:
    """Processor, Python, command and date."""
    fields = {}
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    flags = [flag for flag in ("avx2", "fma", "avx512f") if flag in fields.get("flags", "").split()]
    return {
        "processor": fields.get("model name", platform.processor()),
        "features": flags,
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "command": shlex.join(["python", "-m", "bench", *sys.argv[1:]]),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def version_of(package: str) -> str:
    """Version of a distribution that may be missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"
