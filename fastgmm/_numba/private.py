"""Every name of Numba that its documentation does not promise, and what is done where it is missing.

`find` is the way to each of them: it knows no other names, and where one is gone it returns None and notes what is
done instead, which costs time, or last bits, never an answer. Of LLVM's names only documented ones are used.

The environment variable ``FASTGMM_WITHOUT``, a comma-separated list of these names, hides them: for tests, and to
find out whether trouble comes from one of them.
"""

from __future__ import annotations

import os
import pkgutil
from typing import Any

from numba import config, njit

__all__ = ["FELL_BACK", "NO_ADDRESS", "NO_CACHE", "NO_PARTS", "PRIVATE", "find", "has_all", "held"]

NO_CACHE = "compiled code is not kept: every process compiles what it uses"
NO_ADDRESS = "kernels are passed as callbacks: every process compiles them, and they run serially"
NO_PARTS = "what only compiled code calls is made machine code by itself, too: a first fit takes longer"
_STAGES = "the command line counts compiling as a part of what it is for"
_SETTINGS = "the compiler compares its settings at length: a first fit takes longer"
_WRAPPERS = "functions get entry points that nobody calls: a first fit takes longer"

PRIVATE = {
    "numba.core.base:BaseContext.refresh": NO_CACHE,
    "numba.core.caching:CompileResultCacheImpl": NO_CACHE,
    "numba.core.dispatcher:Dispatcher._cache": NO_CACHE,
    "numba.core.serialize:dumps": NO_CACHE,
    "numba.core.cgutils:create_struct_proxy": NO_ADDRESS,
    "numba.core.cgutils:get_null_value": NO_ADDRESS,
    "numba.core.codegen:JITCodeLibrary.get_pointer_to_function": NO_ADDRESS,
    "numba.core.compiler:CompileResult.fndesc": NO_ADDRESS,
    "numba.core.compiler:CompileResult.library": NO_ADDRESS,
    "numba.core.compiler:CompileResult.signature": NO_ADDRESS,
    "numba.core.dispatcher:Dispatcher.compile": NO_ADDRESS,
    "numba.core.dispatcher:Dispatcher.overloads": NO_ADDRESS,
    "numba.core.funcdesc:FunctionDescriptor.llvm_cfunc_wrapper_name": NO_ADDRESS,
    "numba.core.pythonapi:PythonAPI.long_as_voidptr": NO_ADDRESS,
    "numba.core.pythonapi:PythonAPI.object_getattr_string": NO_ADDRESS,
    "numba.core.types:FunctionType": NO_ADDRESS,
    "numba.core.typing.templates:AttributeTemplate": NO_ADDRESS,
    "numba.experimental.function_type:FunctionModel": NO_ADDRESS,
    "numba.core.codegen:JITCodeLibrary": NO_PARTS,
    "numba.core.codegen:JITCodeLibrary._finalize_final_module": NO_PARTS,
    "numba.core.codegen:JITCodeLibrary._finalized": NO_PARTS,
    "numba.core.codegen:JITCodeLibrary._optimize_final_module": NO_PARTS,
    "numba.core.compiler:Compiler.compile_extra": NO_PARTS,
    "numba.core.event:Listener": _STAGES,
    "numba.core.event:install_listener": _STAGES,
    "numba.core.imputils:impl_ret_borrowed": "references to arrays are counted by a call of the runtime",
    "numba.core.dispatcher:Dispatcher._numba_type_": "Numba asks Python for the type of an address at every call",
    "numba.core.options:DefaultOptions.forceinline": "last bits may change once code comes from the cache",
    "numba.core.options:DefaultOptions.no_cfunc_wrapper": _WRAPPERS,
    "numba.core.options:DefaultOptions.no_cpython_wrapper": _WRAPPERS,
    "numba.core.compiler:Compiler": _SETTINGS,
    "numba.core.compiler:Flags": _SETTINGS,
    "numba.core.targetconfig:TargetConfig._values": _SETTINGS,
    "numba.core.types:NamedTuple.instance_class": "models are told apart by the names of their classes",
}

# Attributes that `find` takes from an owner, such as this one: the class does not have them.
_OF_DISPATCHERS = {"numba.core.dispatcher:Dispatcher._cache", "numba.core.dispatcher:Dispatcher.overloads"}
_DISPATCHER = njit(lambda: None)

# What fell back so far and what is done instead, for `show_config`.
FELL_BACK: dict[str, str] = {}

_HIDDEN = frozenset(os.environ.get("FASTGMM_WITHOUT", "").split(","))


def find(name: str, owner: Any = None) -> Any:
    """Return what one of the names in `PRIVATE` stands for, in an `owner` if it has one; None where it is missing."""
    instead = PRIVATE[name]
    found = None
    if name not in _HIDDEN:
        found = _resolve(name) if owner is None else getattr(owner, name.rpartition(".")[2], None)
    if found is None:
        FELL_BACK[name] = instead
    return found


def has_all(instead: str) -> bool:
    """Whether all names are there without which `PRIVATE` has this done instead; interpreted, those of modules."""
    names = [name for name, without in PRIVATE.items() if without == instead]
    if config.DISABLE_JIT:
        names = [name for name in names if name not in _OF_DISPATCHERS]
    return None not in [find(name, _DISPATCHER if name in _OF_DISPATCHERS else None) for name in names]


def _resolve(name: str) -> Any:
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return None


def _counted(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    context.nrt.incref(builder, kind, value)
    return value


# Whoever gets a value from elsewhere in generated code holds a reference of its own to it.
held = find("numba.core.imputils:impl_ret_borrowed") or _counted
