"""When Numba compiles: what a user waits for, told apart from the work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from .private import find

__all__ = ["watched"]

_Listener = find("numba.core.event:Listener")
_install = find("numba.core.event:install_listener")


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
