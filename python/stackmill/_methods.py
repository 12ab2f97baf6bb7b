"""What a lazy array has in common with numbers and with NumPy's arrays: operators, reductions and other methods, as NumPy's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsIndex

# They import the array, whose methods these are: `_array` puts them here once it is there.
if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from . import _operators, _protocols, _reductions
    from ._array import Array
    from ._types import Axis, Operand


class Methods:
    """Operators and methods of `Array`; keywords are NumPy's, and one that cannot be honoured raises TypeError by its name."""

    __slots__ = ()

    def __add__(self: Any, other: Operand) -> Array:
        return _operators.binary("add", self, other)

    def __radd__(self: Any, other: Operand) -> Array:
        return _operators.binary("add", other, self)

    def __sub__(self: Any, other: Operand) -> Array:
        return _operators.binary("subtract", self, other)

    def __rsub__(self: Any, other: Operand) -> Array:
        return _operators.binary("subtract", other, self)

    def __mul__(self: Any, other: Operand) -> Array:
        return _operators.binary("multiply", self, other)

    def __rmul__(self: Any, other: Operand) -> Array:
        return _operators.binary("multiply", other, self)

    def __truediv__(self: Any, other: Operand) -> Array:
        return _operators.binary("divide", self, other)

    def __rtruediv__(self: Any, other: Operand) -> Array:
        return _operators.binary("divide", other, self)

    def __floordiv__(self: Any, other: Operand) -> Array:
        return _operators.binary("floor_divide", self, other)

    def __rfloordiv__(self: Any, other: Operand) -> Array:
        return _operators.binary("floor_divide", other, self)

    def __mod__(self: Any, other: Operand) -> Array:
        return _operators.binary("remainder", self, other)

    def __rmod__(self: Any, other: Operand) -> Array:
        return _operators.binary("remainder", other, self)

    def __pow__(self: Any, other: Operand) -> Array:
        return _operators.binary("power", self, other)

    def __rpow__(self: Any, other: Operand) -> Array:
        return _operators.binary("power", other, self)

    def __and__(self: Any, other: Operand) -> Array:
        return _operators.binary("bitwise_and", self, other)

    def __rand__(self: Any, other: Operand) -> Array:
        return _operators.binary("bitwise_and", other, self)

    def __or__(self: Any, other: Operand) -> Array:
        return _operators.binary("bitwise_or", self, other)

    def __ror__(self: Any, other: Operand) -> Array:
        return _operators.binary("bitwise_or", other, self)

    def __xor__(self: Any, other: Operand) -> Array:
        return _operators.binary("bitwise_xor", self, other)

    def __rxor__(self: Any, other: Operand) -> Array:
        return _operators.binary("bitwise_xor", other, self)

    def __lshift__(self: Any, other: Operand) -> Array:
        return _operators.binary("left_shift", self, other)

    def __rlshift__(self: Any, other: Operand) -> Array:
        return _operators.binary("left_shift", other, self)

    def __rshift__(self: Any, other: Operand) -> Array:
        return _operators.binary("right_shift", self, other)

    def __rrshift__(self: Any, other: Operand) -> Array:
        return _operators.binary("right_shift", other, self)

    def __eq__(self: Any, other: object) -> Array:  # type: ignore[override]
        return _operators.binary("equal", self, other)

    def __ne__(self: Any, other: object) -> Array:  # type: ignore[override]
        return _operators.binary("not_equal", self, other)

    def __lt__(self: Any, other: Operand) -> Array:
        return _operators.binary("less", self, other)

    def __le__(self: Any, other: Operand) -> Array:
        return _operators.binary("less_equal", self, other)

    def __gt__(self: Any, other: Operand) -> Array:
        return _operators.binary("greater", self, other)

    def __ge__(self: Any, other: Operand) -> Array:
        return _operators.binary("greater_equal", self, other)

    # Equal arrays are not one array: what it hashes by is which one it is.
    __hash__ = object.__hash__

    def __neg__(self: Any) -> Array:
        return _operators.unary("negative", self)

    def __pos__(self: Any) -> Array:
        return _operators.unary("positive", self)

    def __abs__(self: Any) -> Array:
        return _operators.unary("absolute", self)

    def __invert__(self: Any) -> Array:
        return _operators.unary("invert", self)

    # ---- reductions and other methods

    def sum(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        initial: float | None = None,
        where: Operand = True,
    ) -> Array:
        """The sum over axes, as NumPy's: i64 or u64 of integers; `dtype` is what is summed in.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.sum(axis=0)`
        """
        return _reductions.reduced("sum", self, axis, dtype, out, keepdims, initial, where)

    def mean(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Operand = True,
    ) -> Array:
        """The mean over axes, as NumPy's: f64 of integers.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.mean(axis=(0, 1))`
        """
        return _reductions.reduced("mean", self, axis, dtype, out, keepdims, where=where)

    def var(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Operand = True,
        mean: Operand | None = None,
        correction: float | None = None,
    ) -> Array:
        """The variance over axes, as NumPy's: f64 of integers; `ddof` is taken off the count.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.var(ddof=1)`
        """
        return _reductions.reduced(
            "var", self, axis, dtype, out, keepdims, where=where, ddof=ddof, mean=mean, correction=correction
        )

    def std(
        self: Any,
        axis: Axis = None,
        dtype: DTypeLike | None = None,
        out: None = None,
        ddof: float = 0,
        keepdims: bool = False,
        *,
        where: Operand = True,
        mean: Operand | None = None,
        correction: float | None = None,
    ) -> Array:
        """The standard deviation over axes, as NumPy's: f64 of integers; `ddof` is taken off the count.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.std(axis=0)`
        """
        return _reductions.reduced(
            "std", self, axis, dtype, out, keepdims, where=where, ddof=ddof, mean=mean, correction=correction
        )

    def min(
        self: Any,
        axis: Axis = None,
        out: None = None,
        keepdims: bool = False,
        initial: float | None = None,
        where: Operand = True,
    ) -> Array:
        """The smallest over axes, in the dtype of the array; NaN where there is one.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.min(axis=0)`
        """
        return _reductions.reduced("min", self, axis, None, out, keepdims, initial, where)

    def max(
        self: Any,
        axis: Axis = None,
        out: None = None,
        keepdims: bool = False,
        initial: float | None = None,
        where: Operand = True,
    ) -> Array:
        """The largest over axes, in the dtype of the array; NaN where there is one.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.max(axis=0, keepdims=True)`
        """
        return _reductions.reduced("max", self, axis, None, out, keepdims, initial, where)

    def any(
        self: Any,
        axis: Axis = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Operand = True,
    ) -> Array:
        """Whether any element over axes is not 0: bools.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.any(axis=0)`
        """
        return _reductions.reduced("any", self, axis, None, out, keepdims, where=where)

    def all(
        self: Any,
        axis: Axis = None,
        out: None = None,
        keepdims: bool = False,
        *,
        where: Operand = True,
    ) -> Array:
        """Whether all elements over axes are not 0: bools.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.all()`
        """
        return _reductions.reduced("all", self, axis, None, out, keepdims, where=where)

    def argmin(
        self: Any,
        axis: SupportsIndex | None = None,
        out: None = None,
        *,
        keepdims: bool = False,
    ) -> Array:
        """The index of the first smallest element along one axis, or among all in C order: i64.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.argmin(axis=0)`
        """
        return _reductions.place_of("argmin", self, axis, out, keepdims)

    def argmax(
        self: Any,
        axis: SupportsIndex | None = None,
        out: None = None,
        *,
        keepdims: bool = False,
    ) -> Array:
        """The index of the first largest element along one axis, or among all in C order: i64.

        Returns a lazy array without the axes that are reduced, of extent 1 with `keepdims`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.argmax(axis=0)`
        """
        return _reductions.place_of("argmax", self, axis, out, keepdims)

    def cumsum(
        self: Any,
        axis: SupportsIndex | None = None,
        dtype: DTypeLike | None = None,
        out: None = None,
    ) -> Array:
        """The running sum along an axis; along the only one by default.

        Returns a lazy array of the shape of `x`; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, NotThereError for a keyword that cannot be honoured.

        Example: `x.cumsum(axis=0)`
        """
        return _reductions.running_sum(self, axis, dtype, out)

    def clip(
        self: Any,
        min: Operand | None = None,  # noqa: A002
        max: Operand | None = None,  # noqa: A002
        out: None = None,
    ) -> Array:
        """The elements held between two bounds, as NumPy's.

        Returns a lazy array of the common shape of `x` and the bounds; nothing is computed.
        Raises ValueError for shapes that do not fit each other.

        Example: `x.clip(0, 255)`
        """
        return _protocols.clip(self, min, max, out)

    def round(
        self: Any,
        decimals: SupportsIndex = 0,
        out: None = None,
    ) -> Array:
        """The nearest numbers of so many decimals, ties to even.

        Returns a lazy array of the shape and dtype of `x`; nothing is computed.
        Raises NotThereError for decimals that its dtype has not.

        Example: `x.round(2)`
        """
        return _protocols.round_(self, decimals, out)

    def squeeze(
        self: Any,
        axis: Axis = None,
    ) -> Array:
        """The array without axes of extent 1: without all of them, or those named.

        Returns a lazy array of fewer axes; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not, ValueError for one of another extent.

        Example: `x.squeeze(0)`
        """
        return _protocols.squeeze(self, axis)

    def swapaxes(
        self: Any,
        axis1: SupportsIndex,
        axis2: SupportsIndex,
    ) -> Array:
        """The array with two axes swapped.

        Returns a lazy array of the extents of `x`, two of them swapped; nothing is computed.
        Raises NoSuchAxisError for an axis that there is not.

        Example: `x.swapaxes(0, 1)`
        """
        return _protocols.swapaxes(self, axis1, axis2)

    def copy(
        self: Any,
        order: str = "C",
    ) -> Array:
        """The array itself: it cannot be written to.

        Returns `x`. Raises NotThereError for an order that computed arrays have not.

        Example: `x.copy()`
        """
        _protocols.ordered("copy", order)
        return self

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(_protocols.np.ndarray, name):
            hint = _protocols.WAYS.get(name, "x.compute() gives a NumPy array, which has it")
            raise AttributeError(f"a lazy array has no {name!r}\nhint: {hint}", name=name, obj=self)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    # ---- numbers

    def __round__(self: Any, ndigits: int | None = None) -> Any:
        if self.ndim:
            return _protocols.round_(self, ndigits or 0)
        return round(self.item()) if ndigits is None else round(self.item(), ndigits)

    def __format__(self: Any, spec: str) -> str:
        return format(self.item() if spec and not self.ndim else str(self), spec)
