"""While Numba compiles: what a user waits for, told apart from the work, and made shorter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .cache import LOADED, places
from .private import NO_PARTS, find, has_all

__all__ = ["QUICK", "announcement", "watched"]

_Listener = find("numba.core.event:Listener")
_install = find("numba.core.event:install_listener")
_Compiler = find("numba.core.compiler:Compiler")
_Flags = find("numba.core.compiler:Flags")
_values = find("numba.core.targetconfig:TargetConfig._values")
_Library = find("numba.core.codegen:JITCodeLibrary")


def _linked() -> Any:
    """Return the class of what is compiled of a function that only compiled code calls: what its callers link."""
    if not has_all(NO_PARTS):
        return None

    class Linked(_Library):  # type: ignore[misc, valid-type]
        """Code of LLVM's that is neither optimised nor made machine code by itself: either is done in its callers."""

        def _optimize_final_module(self) -> None: ...

        def _finalize_final_module(self) -> None:
            self._finalized = True

        def get_pointer_to_function(self, name: str) -> int:
            self._ensure_finalized()
            return 0

        @property
        def codegen(self) -> Any:
            return self

        def set_env(self, name: str, environment: Any) -> None:
            """Set nothing: of the variable that holds what Python constants are made of there is no machine code."""

    return Linked


def _quick() -> dict[str, Any]:
    """Return the option of Numba by which functions are compiled without what nobody needs.

    Numba looks up what is typed already by its types and by the settings of its caller. All settings have one hash
    there, and two are compared option by option, set or not: an eighth of the time of a first fit. A tenth goes into
    machine code of functions that only compiled code calls, which has them linked, and optimises them, anyway.
    """
    linked = _linked()
    if None in (_Compiler, _Flags, _values):
        return {}

    class Settings(_Flags):  # type: ignore[misc, valid-type]
        """Equal where the same options are set to the same values."""

        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return self is other or (isinstance(other, _Flags) and self._values == other._values)

        def __hash__(self) -> int:
            return hash(frozenset(self._values))

    class Quick(_Compiler):  # type: ignore[misc, valid-type]
        """Numba's own compiler."""

        def __init__(
            self, typing: Any, target: Any, library: Any, args: Any, return_type: Any, flags: Any, locals: Any
        ) -> None:
            super().__init__(typing, target, library, args, return_type, Settings(flags), locals)

        def compile_extra(self, function: Any) -> Any:
            flags = self.state.flags
            if linked is not None and flags.no_cpython_wrapper and flags.no_cfunc_wrapper:
                self.state.library = linked(self.state.targetctx.codegen(), function.__qualname__)
            return super().compile_extra(function)

    return {"pipeline_class": Quick}


QUICK = _quick()


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
