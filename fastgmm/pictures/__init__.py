"""Pictures, drawn by matplotlib, which is loaded when one of these modules is."""

try:
    import matplotlib as matplotlib
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"pictures need {error.name}; install it with: python -m pip install matplotlib", name=error.name
    ) from None
