"""Golden cases of single ops over small synthetic arrays, for make.py."""

import itertools

import numpy as np
import scipy.ndimage as nd

from make import EPSILON, LONG, MODES, Exact, Near, Tie, magnitude, sobel, synthetic, ulps

CUBE = (5, 7, 9)


def sources(words):
    """`x=u8:5x7x9:1 y=...` as arrays by name."""
    made = {}
    for word in words.split():
        name, spec = word.split("=")
        kind, shape, seed = spec.split(":")
        made[name] = synthetic(kind, tuple(map(int, shape.split("x"))), int(seed))
    return made


def cube(kind, seed=1, shape=CUBE):
    return f"x={kind}:{'x'.join(map(str, shape))}:{seed}"


def call(name, **arguments):
    return f"{name}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})"


def is_float(kind):
    return kind.startswith("f")


def op_cases(cases):
    windows(cases)
    ranks(cases)
    smoothing(cases)
    correlations(cases)
    derivatives(cases)
    elementwise(cases)
    mixed(cases)
    reductions(cases)
    places(cases)


# ---- windows: exact -------------------------------------------------------------------------------------------------

FLAT = ["minimum_filter", "maximum_filter", "grey_erosion", "grey_dilation", "grey_opening", "grey_closing",
        "white_tophat", "black_tophat"]


def scipy_flat(name, x, arguments):
    """SciPy's, computed on f64 or i64 so that a top-hat cannot wrap, then as ours: in the input's dtype, saturated."""
    wide = x if x.dtype.kind == "f" else x.astype(np.int64)
    y = getattr(nd, name)(wide, **arguments)
    if x.dtype.kind == "f":
        return y
    limits = np.iinfo(x.dtype)
    return np.clip(y, limits.min, limits.max).astype(x.dtype)


def windows(cases):
    variants = [dict(size=3), dict(size=4), dict(size=[1, 3, 2], origin=[0, -1, -1]), dict(size=[2, 4, 4], origin=[-1, 1, -2]),
                dict(size=[11, 1, 20])]
    for name, arguments in itertools.product(["median", *FLAT], variants):
        for kind, mode in zip(["u8", "i16", "f32", "u16", "f64"], MODES):
            full = dict(arguments, mode=mode) | (dict(cval=7) if mode == "constant" else {})
            add_window(cases, name, kind, full, CUBE)
    for name, mode in itertools.product(["median", "grey_opening", "white_tophat"], MODES):
        add_window(cases, name, "u16", dict(size=[3, 5, 3], mode=mode), (1, 6, 1))
        add_window(cases, name, "i8", dict(size=5, mode=mode, cval=-3), (4, 33))
        add_window(cases, name, "f32", dict(size=5, mode=mode, cval=-3.5), (300,))
    for name in ["median", "grey_opening", "minimum_filter"]:
        for kind in ["u8", "i8", "u16", "i16", "u32", "i32", "f32", "f64"]:
            add_window(cases, name, kind, dict(size=3), (3, 6, 40))
            add_window(cases, name, kind, dict(size=5), (17, 40))
        add_window(cases, name, "u8", dict(size=3, axes=[0, 2]), CUBE)
        add_window(cases, name, "u8", dict(size=[3, 4], axes=[1, 2]), CUBE)


def add_window(cases, name, kind, arguments, shape):
    source = cube(kind, shape=shape)
    x = sources(source)["x"]
    if name == "median":
        y = nd.median_filter(x, **arguments)
    else:
        y = scipy_flat(name, x, arguments)
    cases.add(source, call(name, **arguments), Exact(y))


def ranks(cases):
    cross = [[[0, 1, 0], [1, 1, 1], [0, 1, 0]], [[0, 0, 0], [0, 0, 1], [0, 0, 0]]]
    variants = [dict(size=3), dict(size=[1, 4, 3], origin=[0, -1, 1]), dict(footprint=cross), dict(footprint=cross, origin=[-1, 1, 0])]
    wanted = [("rank_filter", dict(rank=1)), ("rank_filter", dict(rank=-2)), ("percentile_filter", dict(percentile=30)),
              ("percentile_filter", dict(percentile=-12.5)), ("percentile_filter", dict(percentile=100))]
    for (name, first), places in itertools.product(wanted, variants):
        for kind, mode in zip(["u8", "i16", "f32", "u16", "f64"], MODES):
            arguments = dict(first, **places, mode=mode) | (dict(cval=7) if mode == "constant" else {})
            source = cube(kind)
            given = {k: np.array(v) if k == "footprint" else v for k, v in arguments.items()}
            y = getattr(nd, name)(sources(source)["x"], **given)
            cases.add(source, call(name, **arguments), Exact(y))
    source = cube("u8")
    y = nd.rank_filter(sources(source)["x"], 2, footprint=np.array([[1, 0, 1], [0, 1, 1]]), axes=(0, 2))
    cases.add(source, call("rank_filter", rank=2, footprint=[[1, 0, 1], [0, 1, 1]], axes=[0, 2]), Exact(y))


# ---- smoothing ------------------------------------------------------------------------------------------------------

def float_check(y, x, kind, gain=1.0):
    """8 ulp of the largest magnitude, in the dtype that the op works in."""
    out = "f32" if kind in ("u8", "i8", "u16", "i16", "f32") else "f64"
    return Near(y, 8 * EPSILON[out] * gain * float(np.abs(x).max()), out)


def smoothing(cases):
    kinds = ["u8", "i16", "u16", "f32", "f64"]
    for kind, mode in itertools.product(kinds, MODES):
        for arguments in [dict(sigma=1.5), dict(sigma=[0, 0.7, 4.0], cval=-5.5), dict(sigma=6, truncate=2.5)]:
            full = dict(arguments, mode=mode)
            source = cube(kind)
            x = sources(source)["x"]
            y = nd.gaussian_filter(x.astype(np.float64), **full)
            check = float_check(y, x, kind) if is_float(kind) else Tie(y, kind)
            cases.add(source, call("gaussian", **full), check)
    for kind in ["f64", "f32", "u8", "i16", "i32"]:
        for order in [1, 2, [0, 1, 0], [2, 0, 1], [1, 1, 2]]:
            source = cube(kind)
            x = sources(source)["x"]
            y = nd.gaussian_filter(x.astype(np.float64), [1.0, 1.3, 2.0], order=order)
            cases.add(source, call("gaussian", sigma=[1.0, 1.3, 2.0], order=order), float_check(y, x, kind))
    for kind, mode in itertools.product([*kinds, "i32", "u32"], MODES):
        for arguments in [dict(size=3), dict(size=[2, 4, 5], origin=[-1, 1, 2]), dict(size=14, cval=9), dict(size=[3, 2, 3], cval=-6.5)]:
            full = dict(arguments, mode=mode)
            source = cube(kind)
            x = sources(source)["x"]
            y = nd.uniform_filter(x.astype(np.float64), **full)
            if not is_float(kind):
                # The sum is a whole number of halves, so this is the exact sum; its mean rounds once and saturates.
                count = int(np.prod(np.broadcast_to(arguments["size"], 3)))
                limits = np.iinfo(LONG[kind])
                y = np.clip(np.rint(np.rint(y * count * 2) / 2 / count), limits.min, limits.max)
            check = float_check(y, x, kind) if is_float(kind) else Exact(y, kind)
            cases.add(source, call("uniform", **full), check)


def correlations(cases):
    lines = [dict(weights=[0.25, 0.5, 0.25], axis=0), dict(weights=[0.4, 0.3, 0.2, 0.1], axis=1, origin=1),
             dict(weights=[1.0, -3.0, 0.0, 2.5, 0.5])]
    boxes = [dict(weights=[[[0.1, 0.2, 0.0], [0.3, 0.2, 0.2]]], origin=[0, -1, 1]),
             dict(weights=[[[0.5, -1.0], [0.0, 2.0], [1.0, 0.25]], [[0.0, 3.0], [-0.5, 1.0], [0.0, 0.0]]])]
    for name, arguments in [*itertools.product(["correlate1d", "convolve1d"], lines), *itertools.product(["correlate", "convolve"], boxes)]:
        for kind, mode in zip(["u8", "i16", "f32", "u16", "f64"], MODES):
            full = dict(arguments, mode=mode) | (dict(cval=-5.5) if mode == "constant" else {})
            source = cube(kind)
            x = sources(source)["x"]
            y = getattr(nd, name)(x.astype(np.float64), **full)
            floats = is_float(kind) or np.min(arguments["weights"]) < 0
            check = float_check(y, x, kind, 2 * np.abs(arguments["weights"]).sum()) if floats else Tie(y, kind)
            cases.add(source, call(name, **full), check)


def derivatives(cases):
    for kind, mode in itertools.product(["u8", "i16", "i32", "f32", "f64"], MODES):
        source = cube(kind)
        x = sources(source)["x"]
        out = "f64" if kind in ("i32", "f64") else "f32"
        y = x.astype(np.float64)
        cval = 2.0 if mode == "constant" else 0.0
        # Integers up to 16 bits, and i32 in f64, stay whole: every order of additions gives the same.
        laplace, slope = nd.laplace(y, mode=mode, cval=cval), sobel(y, 1, [0, 1, 2], mode, cval)
        exact, bound = not is_float(kind), EPSILON[out] * magnitude(sobel, y, 1, [0, 1, 2], mode, cval)
        cases.add(source, call("laplace", mode=mode, cval=cval), Exact(laplace, out) if exact else float_check(laplace, x, kind))
        cases.add(source, call("sobel", axis=1, mode=mode, cval=cval), Exact(slope, out) if exact else Near(slope, bound, out))
    for axis in 0, 2:
        source = cube("f32")
        x = sources(source)["x"].astype(np.float64)
        bound = EPSILON["f32"] * magnitude(sobel, x, axis, [0, 1, 2])
        cases.add(source, call("sobel", axis=axis), Near(nd.sobel(x, axis), bound, "f32"))
    source = cube("u16", shape=(1, 6, 1))
    x = sources(source)["x"]
    cases.add(source, "laplace()", Exact(nd.laplace(x.astype(np.float64)), "f32"))
    cases.add(source, "sobel(axis=1)", Exact(nd.sobel(x.astype(np.float64), 1), "f32"))


# ---- element by element ---------------------------------------------------------------------------------------------

def pair(kind, other=None, y_shape=CUBE):
    return f"{cube(kind)} y={other or kind}:{'x'.join(map(str, y_shape))}:2"


def widened(kind, minus):
    """The dtype of sums, products and differences."""
    if is_float(kind) or kind in ("i32", "u32", "i64", "u64"):
        return kind
    return "u32" if kind.startswith("u") and not minus else "i32"


def elementwise(cases):
    for kind in ["u8", "i8", "u16", "i16", "i64-small", "f32", "f64"]:
        source = pair(kind)
        made = sources(source)
        base = kind.partition("-")[0]
        x, y = (v if is_float(base) else v.astype(np.int64) for v in made.values())
        for symbol, name in ("+", "add"), ("-", "subtract"), ("*", "multiply"):
            cases.add(source, f"x {symbol} y", Exact(getattr(np, name)(x, y), widened(base, name == "subtract")))
        quotient = np.divide(x.astype(np.float64), y.astype(np.float64))
        out = "f64" if base in ("i64", "f64") else "f32"
        cases.add(source, "x / y", Near(quotient, np.maximum(ulps(quotient, out, 3), 1e-300), out))
        down, rest = np.floor_divide(x, y), np.remainder(x, y)
        cases.add(source, "x // y", Exact(down, widened(base, False)))
        cases.add(source, "x % y", Exact(rest, widened(base, True)))
        cases.add(source, "minimum(x, y)", Exact(np.minimum(x, y), base))
        cases.add(source, "maximum(x, y)", Exact(np.maximum(x, y), base))
        cases.add(source, "square(x)", Exact(np.square(x), widened(base, False)))
        cases.add(source, "-x", Exact(-x, widened(base, True)))
        cases.add(source, "where(x > y, x, y)", Exact(np.where(x > y, x, y), base))
        low, high = (3, 90) if not is_float(base) else (-12.5, 33.25)
        cases.add(source, f"clip({low}, {high})", Exact(np.clip(x, low, high), base))
        if base not in ("i8", "i16"):
            cases.add(source, "abs(x)", Exact(np.abs(x), base))
        for name in "floor", "ceil", "rint":
            cases.add(source, f"{name}(x)", Exact(getattr(np, name)(x), base))
        for symbol, name in zip(["==", "!=", "<", "<=", ">", ">="],
                                ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"]):
            cases.add(source, f"x {symbol} y", Exact(getattr(np, name)(x, y)))
        cases.add(source, "isnan(x)", Exact(np.isnan(x)))
        if not is_float(base):
            for symbol, name in ("&", "bitwise_and"), ("|", "bitwise_or"), ("^", "bitwise_xor"):
                cases.add(source, f"x {symbol} y", Exact(getattr(np, name)(*made.values())))
            cases.add(source, "~x", Exact(np.invert(made["x"])))
            for name in "left_shift", "right_shift":
                for by in 0, 3, 7:
                    cases.add(source, f"{name}(x, {by})", Exact(getattr(np, name)(made["x"], made["x"].dtype.type(by))))
    for kind in ["i8", "i16"]:
        x = sources(cube(kind))["x"].astype(np.int64)
        cases.add(cube(kind), "abs(x)", Exact(np.clip(np.abs(x), 0, np.iinfo(LONG[kind]).max), kind))
    source = pair("bool")
    x, y = sources(source).values()
    for symbol, name in ("&", "bitwise_and"), ("|", "bitwise_or"), ("^", "bitwise_xor"):
        cases.add(source, f"x {symbol} y", Exact(getattr(np, name)(x, y)))
    cases.add(source, "~x", Exact(~x))
    elementary(cases)
    not_numbers(cases)
    broadcasts(cases)


def elementary(cases):
    inputs = {"exp": "wide", "log": "unit", "sqrt": "unit", "sin": "angle", "cos": "angle"}
    for name, special in inputs.items():
        for base in "f32", "f64":
            for kind in dict.fromkeys([f"{base}-{special}", f"{base}-nan"]):
                if name in ("sin", "cos") and kind.endswith("nan"):
                    continue
                source = cube(kind)
                x = sources(source)["x"].astype(np.float64)
                y = getattr(np, name)(x)
                if base == "f32":
                    y = np.where(np.isfinite(y) & (np.abs(y) > np.finfo(np.float32).max), np.copysign(np.inf, y), y)
                # Near a zero of sin the error is that of the argument's reduction: 4 ulp of 1e-3.
                floor = ulps(1e-3, base, 4) if name in ("sin", "cos") else 0
                cases.add(source, f"{name}(x)", Near(y, np.maximum(ulps(y, base, 4), floor), base))
        for kind in "u8", "i16", "i32":
            x = np.abs(sources(cube(kind))["x"].astype(np.float64))
            out = "f64" if kind == "i32" else "f32"
            scale = {"exp": 1e-9 if kind == "i32" else 1e-3}.get(name, 1.0)
            if name in ("sin", "cos") and kind != "u8":
                continue
            v = x.astype(LONG[out]) * LONG[out].type(scale)
            y = getattr(np, name)(v.astype(np.float64))
            text = f"{name}(abs(astype(x, dtype='{out}')) * {scale})"
            cases.add(cube(kind), text, Near(y, np.maximum(ulps(y, out, 4), ulps(1e-3, out, 4)), out))
        x = sources(cube("u16"))["x"].astype(np.float64)
        if name in ("sqrt", "log"):
            y = getattr(np, name)(x)
            cases.add(cube("u16"), f"{name}(x)", Near(y, ulps(y, "f32", 4), "f32"))
    source = f"{cube('f64-unit')} y=f64-wide:5x7x9:2"
    x, y = sources(source).values()
    cases.add(source, "x ** (y / 16)", Near(x ** (y / 16), ulps(x ** (y / 16), "f64", 16), "f64"))
    cases.add(source, "y ** 3", Near(y**3, ulps(y**3, "f64", 16), "f64"))
    source = f"{cube('f32-unit')} y=f32:5x7x9:2"
    x, y = (v.astype(np.float64) for v in sources(source).values())
    z = x ** (y / 16)
    cases.add(source, "x ** (y / 16)", Near(z, ulps(z, "f32", 16), "f32"))
    for power in 0, 1, 2, 3, 5:
        x = sources(cube("i64-small"))["x"]
        cases.add(cube("i64-small"), f"x ** {power}", Exact(x**power))
    source = f"{cube('i64-small')} y=i64-few:5x7x9:2"
    x, y = sources(source).values()
    cases.add(source, "x ** y", Exact(x**y))


def not_numbers(cases):
    for base in "f32", "f64":
        source = pair(f"{base}-nan", f"{base}-nan")
        x, y = sources(source).values()
        for text, value in [
            ("minimum(x, y)", np.minimum(x, y)), ("maximum(x, y)", np.maximum(x, y)), ("isnan(x)", np.isnan(x)),
            ("x == x", x == x), ("x != x", x != x), ("x < y", x < y), ("x <= y", x <= y), ("x > y", x > y), ("x >= y", x >= y),
            ("x + y", x + y), ("x - y", x - y), ("x * y", x * y), ("abs(x)", np.abs(x)), ("-x", -x),
            ("clip(-10.5, 20)", np.clip(x, base_number(base, -10.5), base_number(base, 20))),
            ("floor(x)", np.floor(x)), ("rint(x)", np.rint(x)), ("where(isnan(x), y, x)", np.where(np.isnan(x), y, x)),
        ]:
            cases.add(source, text, Exact(value))
        for name in "sum", "mean", "min", "max", "argmin", "argmax":
            for axis in 0, 1, 2, None:
                value = getattr(np, name)(x.astype(np.float64), axis=axis)
                check = Exact(value) if name.startswith("arg") else Near(value, 0.02, base)
                cases.add(source, call(name, axis=axis) if axis is not None else f"{name}()", check)


def base_number(base, value):
    return LONG[base].type(value)


def broadcasts(cases):
    for y_shape in (9,), (7, 1), (5, 1, 9), (1, 1, 1):
        source = pair("i16", "u8", y_shape)
        x, y = (v.astype(np.int64) for v in sources(source).values())
        cases.add(source, "x - y", Exact(x - y, "i32"))
        cases.add(source, "y * x", Exact(y * x, "i32"))
        cases.add(source, "where(y > 100, x, y)", Exact(np.where(y > 100, x, y), "i16"))


def mixed(cases):
    """Comparisons and choices between dtypes: as numbers, in the smallest dtype that holds both."""
    kinds = ["u8-few", "i8-small", "u16-few", "i32-small", "u32-few", "i64-small", "u64-few", "f32", "f64"]
    for left, right in itertools.combinations(kinds, 2):
        source = pair(left, right)
        x, y = sources(source).values()
        cases.add(source, "x < y", Exact(x < y))
        cases.add(source, "x == y", Exact(x == y))
        cases.add(source, "maximum(x, y)", Exact(np.maximum(x, y)))
    for left, right in ("i16", "u16"), ("i8", "u8"), ("i32", "u32"):
        source = pair(left, right)
        x, y = sources(source).values()
        cases.add(source, "x < y", Exact(x < y))
        cases.add(source, "where(x < y, x, y)", Exact(np.where(x < y, x, y)))


# ---- reductions -----------------------------------------------------------------------------------------------------

AXES = [0, 1, 2, [0, 1], [0, 2], [1, 2], [0, 1, 2], None]


def reductions(cases):
    for kind in ["bool", "u8", "i16", "u32", "i64-small", "f32", "f64"]:
        source = cube(kind)
        x = sources(source)["x"]
        base = kind.partition("-")[0]
        for axis, keep in itertools.product(AXES, [False, True]):
            if keep and axis not in (1, [0, 2], None):
                continue
            numpy = dict(axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keep)
            ours = ({} if axis is None else dict(axis=axis)) | (dict(keepdims=True) if keep else {})
            wide = x.astype(np.float64)
            bound = 3e-6 * np.abs(wide).mean(**numpy) if base == "f32" else 1e-12 * np.abs(wide).mean(**numpy)
            out = base if is_float(base) else "f64"
            total = x.sum(**numpy)
            count = x.size // max(total.size, 1)
            exact = total if not is_float(base) else None
            if base == "u32":
                exact = x.sum(dtype=np.uint64, **numpy)
            sum_check = Exact(exact) if exact is not None else Near(wide.sum(**numpy), bound * count, base)
            cases.add(source, call("sum", **ours), sum_check)
            cases.add(source, call("mean", **ours), Near(wide.mean(**numpy), bound, out))
            for ddof in (0, 1) if axis in (0, [0, 2], None) else (0,):
                more = ours | (dict(ddof=1) if ddof else {})
                scale = np.maximum(np.abs(wide).max(), 1)
                cases.add(source, call("var", **more), Near(wide.var(ddof=ddof, **numpy), bound * scale * 2, out))
                cases.add(source, call("std", **more), Near(wide.std(ddof=ddof, **numpy), bound, out))
            cases.add(source, call("min", **ours), Exact(x.min(**numpy)))
            cases.add(source, call("max", **ours), Exact(x.max(**numpy)))
    for kind in ["u8-few", "i16", "f32", "f64"]:
        source = cube(kind, seed=5)
        x = sources(source)["x"]
        for axis, keep in itertools.product([0, 1, 2, None], [False, True]):
            ours = ({} if axis is None else dict(axis=axis)) | (dict(keepdims=True) if keep else {})
            cases.add(source, call("argmin", **ours), Exact(x.argmin(axis=axis, keepdims=keep)))
            cases.add(source, call("argmax", **ours), Exact(x.argmax(axis=axis, keepdims=keep)))
    source = "x=f32:3x700:9"
    x = sources(source)["x"].astype(np.float64)
    for axis in 0, 1, None:
        text = f"axis={axis}" if axis is not None else ""
        bound = 3e-6 * np.abs(x).mean(axis=axis)
        cases.add(source, f"mean({text})", Near(x.mean(axis=axis), bound, "f32"))
        cases.add(source, f"std({text})", Near(x.std(axis=axis), bound, "f32"))


def places(cases):
    for kind in ["bool", "u8", "i16", "f32", "f64"]:
        source = cube(kind)
        x = sources(source)["x"]
        for axis in 0, 2, -2, [0, 1], None:
            words = f"axis={axis}" if axis is not None else ""
            numpy = tuple(axis) if isinstance(axis, list) else axis
            cases.add(source, f"flip({words})", Exact(np.flip(x, numpy)))
    for kind in ["bool", "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64"]:
        source = cube(kind)
        x = sources(source)["x"]
        for axis in 0, 1, 2:
            if is_float(kind):
                y = np.cumsum(x.astype(np.float64), axis)
                tolerance = 0.0 if kind == "f64" else ulps(y, "f32", 1)
                cases.add(source, f"cumsum(axis={axis})", Near(y, tolerance, kind))
            else:
                cases.add(source, f"cumsum(axis={axis})", Exact(np.cumsum(x, axis)))
