# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # From a loop to a fast loop
#
# The story of `docs/ladder.md`, to be run: one round of EM, written twelve times, one idea at a time. Open it as a
# notebook (Jupyter with jupytext, VS Code, Spyder), or run it as a script from the root of the repository. It needs
# `python -m pip install '.[bench]'` and about a minute.

# %%
# ruff: noqa: D100, E402
import inspect
import sys
import textwrap
import time
from pathlib import Path

import numpy as np

# The benchmarks are not installed with the package: find them at or above the working directory.
here = Path.cwd()
sys.path.insert(0, str(next(path for path in (here, *here.parents) if (path / "bench" / "ladder").is_dir())))

from bench.cases import Case
from bench.ladder import NAMES, rungs
from bench.ladder.climb import enough_rows, instructions, seconds_per_row
from fastgmm import naive

ladder = rungs()

# %% [markdown]
# ## A problem
#
# Rows drawn from four Gaussians of two features, and a start that is near, but not at, where they came from. What a
# round has to give is what the original program gives, here for the first rows.

# %%
X, start = Case(20_000, 2, 4).problem()
parameters = (start.weights, start.means, start.covariances)
few = X[:500]
expected = (*naive.m_step(few, naive.e_step(few, *parameters)), naive.log_likelihood(few, *parameters))

# %% [markdown]
# ## Climbing
#
# `climb` shows what the file of a rung says of itself, proves that it is right, and only then takes the time.

# %%
nanoseconds = {}


def climb(number):
    """Show, verify and time one rung."""
    rung = ladder[number]
    print(textwrap.dedent(rung.module.__doc__).strip())
    actual = rung.em_round(few, *parameters)
    error = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(actual, expected, strict=True))
    assert error < 1e-9
    rows = enough_rows(rung, X, parameters, 0.1)
    taken = min(seconds_per_row(rung, X[:rows], parameters, 0.1) for _ in range(3))
    nanoseconds[rung.name] = 1e9 * taken / len(start.weights)
    line = f"-> right to {error:.0e}; {nanoseconds[rung.name]:,.1f} ns per row and component"
    if number:
        line += f", {nanoseconds[NAMES[number - 1]] / nanoseconds[rung.name]:.2f} times as fast as the rung before"
    print(line)
    if code := instructions(rung):
        print(f"-> {code['packed']} packed and {code['scalar']} scalar multiplications and additions")


# %% [markdown]
# ### NumPy inside the loop, none, a compiler, nothing but NumPy

# %%
climb(0)

# %%
climb(1)

# %% [markdown]
# The loops of rung 1 again. This is the inner one; only the decorator and the scratch space are new.

# %%
climb(2)
print(inspect.getsource(ladder[2].module.density.py_func))

# %%
climb(3)

# %% [markdown]
# ### Better mathematics
#
# What does not depend on the row leaves the loop; logarithms keep far rows from dividing 0 by 0; one pass does E and
# M step.

# %%
climb(4)

# %%
climb(5)
far = np.array([[50.0], [0.0]]), np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1))
try:
    ladder[4].em_round(*far)
except ZeroDivisionError:
    print("rung 4: no density of the row at 50 is left, and its responsibilities would be 0 / 0")
print("rung 5: the log-likelihood of both rows is", ladder[5].em_round(*far)[3])

# %%
climb(6)

# %% [markdown]
# ### What the processor likes
#
# Rows as lanes: watch the packed instructions.

# %%
climb(7)
print(inspect.getsource(ladder[7].module.log_density.py_func))

# %%
climb(8)
print(inspect.getsource(ladder[8].module.exp_nonpositive.py_func))

# %% [markdown]
# With two features there is nothing to tile: this rung wins at sixteen.

# %%
climb(9)

# %%
climb(10)

# %% [markdown]
# ### The package

# %%
climb(11)

# %% [markdown]
# ## All together

# %%
began = nanoseconds[NAMES[0]]
for name, value in nanoseconds.items():
    print(f"{name:20} {value:12,.1f} ns   {began / value:10,.0f} times the blog's loop")
print(time.strftime("%Y-%m-%d"), "on this machine; docs/ladder.md has both problems, with their spread")
