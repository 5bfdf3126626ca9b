"""When Numba compiles: what a user waits for, told apart from the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .cache import LOADED, places
from .private import find

__all__ = ["announcement", "watched"]

_Listener = find("numba.core.event:Listener")
_install = find("numba.core.event:install_listener")


def announcement() -> str:
    """Return what is going on while Numba compiles, and for how long if nothing was compiled before.

    A first fit of its kind took 14 to 19 s on a Zen 5, and twice as long on older processors.
    """
    said = "compiling for this processor, once"
    if None in places():
        said = "compiling, in each process because no cache can be written"
    return said if LOADED else f"{said}: 10 to 30 s"


@contextmanager
def watched(began: Callable[[], object], ended: Callable[[], object]) -> Iterator[None]:
    """Call `began` and `ended` around all that Numba compiles; code that comes from the cache is not compiled."""
    if _Listener is None or _install is None:
        yield
        return
    with _install("numba:compile", _listener(began, ended)):
        yield


def _listener(began: Callable[[], object], ended: Callable[[], object]) -> object:
    class Outermost(_Listener):  # type: ignore[misc, valid-type]
        """A function that is compiled has others compiled first."""

        depth = 0

        def on_start(self, event: object) -> None:
            self.depth += 1
            if self.depth == 1:
                began()

        def on_end(self, event: object) -> None:
            self.depth -= 1
            if self.depth == 0:
                ended()

    return Outermost()
