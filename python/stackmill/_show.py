"""A lazy array in a notebook: what it is in a table, and how it is stored in a picture."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._array import Array

# The longest side of the picture, and the most lines that are drawn across one.
_SIDE = 140
_LINES = 24
_SHORTEST = 12


def _bytes(count: float) -> str:
    for unit in "B", "KiB", "MiB", "GiB", "TiB":
        if count < 1000 or unit == "TiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return ""


def _lengths(shape: tuple[int, ...]) -> list[float]:
    longest = max(shape)
    return [max(_SHORTEST, _SIDE * n / longest) for n in shape]


def _cuts(extent: int, unit: int, length: float) -> list[float]:
    """Where chunks meet, thinned out where they are many."""
    count = -(-extent // max(unit, 1))
    step = -(-count // _LINES)
    return [length * k * unit / extent for k in range(step, count, step)]


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _picture(shape: tuple[int, ...], unit: tuple[int, ...]) -> str:
    """The last three axes as a box, or two as a sheet, with the lines along which it is stored."""
    shape, unit = ((1, *shape), (1, *unit)) if len(shape) == 1 else (shape[-3:], unit[-3:])
    *_, height, width = _lengths(shape)
    slant = _lengths(shape)[0] * 0.45 if len(shape) == 3 and shape[0] > 1 else 0.0
    cuts_y, cuts_x = _cuts(shape[-2], unit[-2], height), _cuts(shape[-1], unit[-1], width)
    cuts_z = [cut * 0.45 for cut in _cuts(shape[0], unit[0], slant / 0.45)] if slant else []
    left, top = 4.0, 4.0 + slant
    lines = [_line(left, top + y, left + width, top + y) for y in cuts_y]
    lines += [_line(left + x, top, left + x, top + height) for x in cuts_x]
    lines += [_line(left + x, top, left + x + slant, top - slant) for x in cuts_x if slant]
    lines += [_line(left + width, top + y, left + width + slant, top + y - slant) for y in cuts_y if slant]
    for z in cuts_z:
        lines += [_line(left + z, top - z, left + width + z, top - z)]
        lines += [_line(left + width + z, top - z, left + width + z, top + height - z)]
    faces = [f'<rect x="{left}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" fill="#7fb3d5"/>']
    if slant:
        l, t, w, h, s = left, top, width, height, slant  # noqa: E741
        roof = f"{l},{t:.1f} {l + s:.1f},{t - s:.1f} {l + w + s:.1f},{t - s:.1f} {l + w:.1f},{t:.1f}"
        side = f"{l + w:.1f},{t:.1f} {l + w + s:.1f},{t - s:.1f} {l + w + s:.1f},{t + h - s:.1f} {l + w:.1f},{t + h:.1f}"
        faces += [f'<polygon points="{roof}" fill="#a9cce3"/>', f'<polygon points="{side}" fill="#5499c7"/>']
    size = f'width="{width + slant + 8:.0f}" height="{height + slant + 8:.0f}"'
    inside = "".join(faces + lines)
    return f'<svg {size} stroke="#1b4f72" stroke-width="0.6" role="img" aria-label="how the array is stored">{inside}</svg>'


def html(array: Array) -> str:
    """The table and the picture."""
    sources = array._lazy.sources()
    rows = [
        ("shape", f"{array.shape}" + (f" {', '.join(name or '?' for name in array.axes)}" if array.axes else "")),
        ("dtype", f"{array.dtype}"),
        ("bytes", f"{_bytes(array.nbytes)}, not computed"),
    ]
    unit = None
    for name, shape, dtype, stored, count, in_memory in sources:
        in_units = "" if in_memory else f", stored in {' × '.join(map(str, stored))}"
        rows.append(("reads", f"{name}: {dtype} {' × '.join(map(str, shape))}, {_bytes(count)}{in_units}"))
        if tuple(shape) == array.shape:
            unit = tuple(stored)
    table = "".join(
        f'<tr><th style="text-align:left">{escape(k)}</th><td style="text-align:left">{escape(v)}</td></tr>' for k, v in rows
    )
    picture = _picture(array.shape, unit or array.shape) if array.size and array.ndim else ""
    return f'<div style="display:flex;gap:16px;align-items:center"><table><caption style="text-align:left">stackmill.Array</caption>{table}</table>{picture}</div>'
