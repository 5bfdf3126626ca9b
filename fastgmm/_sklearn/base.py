"""What scikit-learn asks of any estimator: parameters that can be listed and set, and tags."""

from __future__ import annotations

import inspect
from typing import Any, Self

from . import classes

_SEVERAL = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


class Estimator(classes.SampleWeightRouting):
    """An estimator whose parameters are the arguments of its constructor."""

    @classmethod
    def _arguments(cls) -> dict[str, inspect.Parameter]:
        """Return the constructor's arguments; ``**kwargs`` stands for those of the class that is extended."""
        arguments: dict[str, inspect.Parameter] = {}
        for kind in cls.__mro__:
            if "__init__" not in vars(kind):
                continue
            own = list(inspect.signature(vars(kind)["__init__"]).parameters.values())[1:]
            arguments = {each.name: each for each in own if each.kind not in _SEVERAL} | arguments
            if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in own):
                break
        return arguments

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments; `deep` is for scikit-learn's sake."""
        return {name: getattr(self, name) for name in self._arguments()}

    def set_params(self, **params: Any) -> Self:
        """Set constructor arguments; ValueError for a name that is not one."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{name!r} is not a parameter of {type(self).__name__}; known: {', '.join(known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        arguments = self._arguments()
        changed = (f"{n}={v!r}" for n, v in self.get_params().items() if repr(v) != repr(arguments[n].default))
        return f"{type(self).__name__}({', '.join(changed)})"

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's description of the estimator."""
        return classes.tags(allow_nan=getattr(self, "missing", "error") != "error")
