"""What runs may use: settings of this context, changed for a while or for good."""

import contextvars
import re

_settings = contextvars.ContextVar("stackmill settings", default={})
_UNITS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_NAMES = ("memory", "threads", "tile", "device", "vram", "gpus")


def current():
    """The settings of this context, as the engine takes them."""
    return dict(_settings.get())


def _bytes(value):
    """Bytes of `"512MiB"`, `"2GB"`, `"1.5GiB"` or a number; powers of 1024, or of 1000 where a B without i says so."""
    if not isinstance(value, str):
        return int(value)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)(b?)\s*", value.lower())
    if not found:
        raise ValueError(f"{value!r} is no size; write '512MiB', '2GB', '1.5GiB' or a number of bytes")
    number, letter, binary, b = found.groups()
    return int(float(number) * _UNITS[letter + b if letter and b and not binary else letter])


def _checked(given):
    unknown = [name for name in given if name not in _NAMES]
    if unknown:
        raise TypeError(f"options() has no {unknown[0]!r}; it takes {', '.join(_NAMES)}")
    made = {}
    for name, value in given.items():
        if value is None:
            continue
        if name in ("memory", "vram"):
            value = _bytes(value)
        made[name] = list(value) if name == "tile" else value
    return made


class options:
    """Sets what later runs may use: for good when called, for a while in a `with` statement.

    memory: bytes that a run may add, as a number or `"512MiB"`; half of what is free by default
    threads: worker threads
    tile: extents of a tile, one an axis
    device: `"auto"`, `"cpu"`, `"gpu"` or part of an adapter's name
    vram: bytes of a GPU's memory
    gpus: GPUs of one kind that a run is spread over

    None takes a setting back to its default.
    """

    def __init__(self, **given):
        made = _checked(given)
        kept = {name: value for name, value in _settings.get().items() if name not in given}
        self._token = _settings.set(kept | made)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        _settings.reset(self._token)
