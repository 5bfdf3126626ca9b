"""What a user holds: a mixture that was checked, what it says about rows, its file."""

from .mixture import Mixture

__all__ = ["Mixture"]
