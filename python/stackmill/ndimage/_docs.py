"""What the help of SciPy's names says beside their first line: arguments, results, errors, an example."""

import inspect

PARAMETERS = {
    "input": "numbers: NumPy's, lazy, dask's or xarray's array of bools, integers or floats, of any number of axes up to 6",
    "weights": "numbers: as many axes as are filtered",
    "sigma": "standard deviation in pixels, one for all axes or one an axis; 0 leaves an axis alone",
    "order": "derivative, one for all axes or one an axis; 0 smooths",
    "size": "extents of the window, one for all axes or one an axis",
    "footprint": "in place of a size: which places of a box count, as many axes as are filtered",
    "structure": "the places of a box that count, or for grey morphology their heights",
    "structure1": "places that must hold; a cross by default",
    "structure2": "places that must not; all others by default",
    "rank": "which element of the sorted window; negative from the greatest on",
    "percentile": "0 to 100; negative from the greatest on",
    "axis": "the axis that is filtered",
    "axes": "the axes that are filtered; all by default",
    "output": "the dtype of the result, or a NumPy array that it is written into; the input's dtype by default",
    "mode": "what lies outside: reflect, constant, nearest, mirror, wrap or SciPy's grid-names of them; of filters axis by axis also one an axis",
    "cval": "the number outside, for mode constant",
    "origin": "moves the window, one for all axes or one an axis",
    "origin1": "moves the first structure",
    "origin2": "moves the second structure; as the first by default",
    "truncate": "where the window ends, in standard deviations",
    "radius": "where the window ends, in pixels, in place of `truncate`",
    "iterations": "how often; below 1 until nothing changes, of NumPy's arrays only",
    "mask": "bools of the input's shape: only where they hold are elements changed",
    "border_value": "whether what lies outside holds",
    "brute_force": "no difference here",
    "derivative": "function of an array, an axis, an output, a mode and a cval",
    "derivative2": "function of an array, an axis, an output, a mode and a cval",
    "extra_arguments": "given to that function too",
    "extra_keywords": "given to that function too",
    "kwargs": "`truncate` and `radius` of the gaussian",
}
_GIVEN = {
    "size": "3", "sigma": "1.5", "weights": "[1, 2, 1]", "rank": "0", "percentile": "90", "derivative": "stackmill.ndimage.sobel",
    "derivative2": "f",
}  # fmt: skip


def described(function):
    """A function with help: from its arguments' names."""
    parameters = inspect.signature(function).parameters
    needed = [
        name for name, p in parameters.items() if p.default is p.empty and p.kind is not p.VAR_KEYWORD and name != "input"
    ]
    if "size" in parameters and parameters["size"].default is None:
        needed.append("size")
    values = _GIVEN | ({"weights": "[[1, 2, 1]]"} if function.__name__ in ("correlate", "convolve") else {})
    given = "".join(f", {name}={values[name]}" for name in needed)
    function.__doc__ = "\n".join(
        [
            function.__doc__,
            "",
            *[f"{name}: {PARAMETERS[name]}" for name in parameters],
            "",
            "Returns an array of the input's kind and shape, of the dtype of the output; of a lazy or a dask array nothing is computed.",
            "Raises what SciPy raises, and DtypeError or NotImplementedError for what is not there.",
            "",
            f"Example: `stackmill.ndimage.{function.__name__}(x{given})`",
        ]
    )
    return function
