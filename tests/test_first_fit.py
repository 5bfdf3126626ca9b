"""The first fit of its kind on two cores: another process compiles its rounds, and nothing depends on it."""

import errno
import multiprocessing
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import run

import fastgmm
from fastgmm._numba.addresses import is_kept
from fastgmm.model.plan import plan_of
from fastgmm.rows.launch import beside, first_fit, threads, work

pytestmark = pytest.mark.compiled
X = np.random.default_rng(0).normal(size=(50, 2))


@pytest.fixture
def begun(monkeypatch):
    """What would be begun by a fit whose code is not on disk, where there are two cores."""
    calls = []
    monkeypatch.setattr(beside, "begin", lambda key, call: calls.append((key, call)))
    monkeypatch.setattr(threads, "at_most", lambda n_threads: n_threads or 2)
    monkeypatch.setattr(first_fit, "is_kept", lambda *arguments: False)
    monkeypatch.setattr(first_fit, "_seen", {})
    monkeypatch.delenv(beside.COMPILERS)
    return calls


def test_rounds_are_compiled_beside_once(begun):
    for _ in range(2):
        fastgmm.fit(X, 2)
    plan = plan_of("full", 2, 2)
    call = "from fastgmm.rows.launch.first_fit import compile_rounds; compile_rounds('full', 2, 'float64', 'C')"
    assert begun == [((plan.kernels.sweep, plan.dtype, "C"), call)]
    fastgmm.fit(X.astype(np.float32), 2, covariance_type="diag", n_threads=2)
    assert begun[1][1].endswith("compile_rounds('diag', 2, 'float32', 'C')")


def test_no_process_is_begun_where_it_is_no_help(begun, monkeypatch):
    fastgmm.fit(X, 2, n_threads=1)
    monkeypatch.setenv(beside.COMPILERS, "1")
    fastgmm.fit(X.astype(np.float32), 2)
    assert not begun


def test_where_a_process_is_of_use(monkeypatch):
    monkeypatch.delenv(beside.COMPILERS)
    assert beside.is_of_use()
    for names, is_python in (
        ((None, "", "/usr/sbin/uwsgi", "/opt/program/program", "/opt/pythonic"), False),
        (("/usr/bin/python", "/usr/bin/python3.13t", "/c/pythonw.exe", "/Library/Python"), True),
    ):
        for executable in names:
            with monkeypatch.context() as patched:
                patched.setattr(sys, "executable", executable)
                assert beside.is_of_use() is is_python
    with monkeypatch.context() as patched:
        patched.setattr(sys, "frozen", True, raising=False)
        assert not beside.is_of_use()
    for where in ([], [None]):
        with monkeypatch.context() as patched:
            patched.setattr(beside, "places", lambda where=where: where)
            assert not beside.is_of_use()
    with monkeypatch.context() as patched:
        patched.setattr(multiprocessing.process, "parent_process", lambda: "a pool")
        assert not beside.is_of_use()


def test_what_is_compiled_beside_is_what_rounds_take(tmp_path):
    """One process runs nothing, and another finds in the cache all that its rounds take."""
    compiles = "from fastgmm.rows.launch.first_fit import compile_rounds; compile_rounds('full', 2, 'float64', 'C')"
    fits = """
import numpy, fastgmm
from fastgmm._numba.cache import LOADED
fastgmm.fit(numpy.random.default_rng(0).normal(size=(50, 2)), 2, init=numpy.arange(50) % 2)
print(*(path.name.split(".")[1].split("-")[0] for path in LOADED))
"""
    run(compiles, NUMBA_CACHE_DIR=str(tmp_path))
    rounds = {"advance", "prepare_full_2", "sweep_full_2", "fold", "unpack_full", "maximize_full"}
    assert rounds <= set(run(fits, NUMBA_CACHE_DIR=str(tmp_path)).split())


def test_a_process_beside_is_waited_for(tmp_path):
    path = tmp_path / "written"
    beside.begin("key", f"import time; time.sleep(0.2); open({str(path)!r}, 'w').write('all of it')")
    assert not path.exists()
    beside.wait("another key")
    beside.wait("key")
    assert path.read_text() == "all of it"
    beside.wait("key")


def test_a_process_beside_that_would_keep_its_code_elsewhere_does_nothing(tmp_path, monkeypatch):
    path = tmp_path / "written"
    monkeypatch.setattr(beside, "kept_for", lambda: "by other settings")
    beside.begin("key", f"open({str(path)!r}, 'w')")
    beside.wait("key")
    assert not path.exists()


def test_a_process_beside_imports_nothing_from_the_working_directory(tmp_path, monkeypatch):
    for name in ("numpy", "threading"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit(7)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    beside.begin("key", "import numpy; open('written', 'w')")
    beside.wait("key")
    assert (tmp_path / "written").exists()


def test_a_process_beside_ends_with_the_one_that_it_helps(tmp_path):
    path = tmp_path / "number"
    begins = f"""
import os, time
from fastgmm.rows.launch import beside
beside.begin("key", "import time; open({str(path)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
while not (os.path.exists({str(path)!r}) and os.path.getsize({str(path)!r})):
    time.sleep(0.01)
os._exit(0)
"""
    run(begins)
    number = int(path.read_text())
    for _ in range(500):
        try:
            os.kill(number, 0)
            if "zombie" in Path(f"/proc/{number}/status").read_text():
                return
        except (ProcessLookupError, FileNotFoundError):
            return
        time.sleep(0.02)
    raise AssertionError(f"process {number} goes on")


def test_who_waits_too_long_or_is_interrupted_ends_the_process(monkeypatch):
    monkeypatch.setattr(beside, "LONGEST", 0.01)
    beside.begin("key", "import time; time.sleep(600)")
    process = beside._running["key"]
    beside.wait("key")
    assert process.returncode

    def interrupted(self, timeout=None):
        monkeypatch.undo()
        self._sigint_wait_secs = 0.0  # as where a signal has come
        raise KeyboardInterrupt

    beside.begin("key", "import time; time.sleep(600)")
    process = beside._running["key"]
    monkeypatch.setattr(subprocess.Popen, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        beside.wait("key")
    assert process.returncode


def test_nobody_waits_where_no_process_more_may_be_had(monkeypatch):
    def refuse(*arguments, **options):
        refused.append(arguments)
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    refused = []
    monkeypatch.setattr(subprocess, "Popen", refuse)
    beside.begin("key", "pass")
    assert len(refused) == 1
    beside.wait("key")


def test_rounds_wait_for_what_is_compiled_beside(monkeypatch):
    waited = []
    monkeypatch.setattr(beside, "wait", waited.append)
    work._addresses_of.cache_clear()
    plan = plan_of("full", 2, 2)
    work.tasks_of(plan.kernels, plan.kernels.sweep, plan.dtype, "C")
    assert waited == [(plan.kernels.sweep, plan.dtype, "C")]
    assert is_kept(plan.kernels.sweep, work.packed_work(work.example(plan.dtype, "C")), 0, 0, 0)
