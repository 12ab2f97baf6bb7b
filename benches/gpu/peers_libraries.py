"""torch, CuPy and cuCIM on the device: how each op is written in them, and how they are timed. It does not know what is right."""

import statistics
import time

from peers_answers import BOX, RADIUS, SIGMA, gaussian_weights, np, reflected

# Bytes that windows unfolded for a sort may take at once.
UNFOLDED = 2 << 30
MORPHOLOGY = {"opening15": "grey_opening", "tophat15": "white_tophat"}
TRANSFER = {"cuda": 256 << 20, "cpu": 32 << 20}
# The median of nine by 19 exchanges (N. Devillard, "Fast median search", 1998); the middle one is left in place 4.
NINE = [(1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)]
NINE += [(5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)]


class Library:
    """One library on the device: how each op is written in it (`ways`: in what words, and the calls to try in turn)."""

    name, missing = "", None

    def elapsed_ms(self, call):
        started = time.perf_counter()
        call()
        self.wait()
        return 1e3 * (time.perf_counter() - started)

    def median_ms(self, call, until, least=3, most=25):
        """The median time of calls, as many as fit until a moment."""
        taken = []
        while len(taken) < least or (len(taken) < most and time.perf_counter() < until):
            taken.append(self.elapsed_ms(call))
        return statistics.median(taken)


class Torch(Library):
    name = "torch"

    def __init__(self, device, seconds):
        import torch
        import torch.nn.functional as functional

        self.torch, self.f, self.device = torch, functional, device
        if device == "cuda" and not torch.cuda.is_available():
            raise ImportError(f"torch {torch.__version__} finds no CUDA device")
        self.title = f"torch {torch.__version__} on " + (torch.cuda.get_device_name() if device == "cuda" else "the CPU")
        # Answers are compared with f32's: no tensor cores with ten bits.
        torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        torch.set_grad_enabled(False)
        self.weights = torch.tensor(gaussian_weights(), dtype=torch.float32, device=device)
        rise = torch.tensor([[-1.0, 0, 1], [-2, 0, 2], [-1, 0, 1]], device=device)
        self.slopes = torch.stack([rise, rise.T]).unsqueeze(1)
        self.indices = {}
        self.native = self._has_u16()
        if not self.native:
            self.title += ", u16 as the bits of int16"

    def _has_u16(self):
        all_of_them = np.arange(1 << 16, dtype=np.uint16)
        try:
            there = self.torch.from_numpy(all_of_them).to(self.device).to(self.torch.float32).to(self.torch.uint16)
            return bool((there.cpu().numpy() == all_of_them).all())
        except (AttributeError, TypeError, RuntimeError):
            return False

    def wait(self):
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def elapsed_ms(self, call):
        if self.device != "cuda":
            return super().elapsed_ms(call)
        first, last = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        call()
        last.record()
        last.synchronize()
        return first.elapsed_time(last)

    def there(self, array):
        array = array if self.native or array.dtype != np.uint16 else array.view(np.int16)
        return self.torch.from_numpy(array).to(self.device)

    def back(self, tensor, op):
        array = tensor.cpu().numpy()
        return array.view(np.uint16) if op.result == "u16" and array.dtype == np.int16 else array

    def wide(self, x):
        """As f32, or as int32 (`numbers`)."""
        return self.numbers(x).to(self.torch.float32) if x.dtype == self.torch.int16 else x.to(self.torch.float32)

    def numbers(self, x):
        return x.to(self.torch.int32) & 0xFFFF if x.dtype == self.torch.int16 else x.to(self.torch.int32)

    def narrow(self, y):
        return y.to(self.torch.uint16) if self.native else y.to(self.torch.int32).to(self.torch.int16)

    def padded(self, x, extents):
        for axis, extent in enumerate(extents):
            if extent > 1:
                x = x.index_select(axis, self.index(x.shape[axis], extent // 2))
        return x

    def index(self, n, around):
        if (n, around) not in self.indices:
            self.indices[n, around] = self.torch.from_numpy(reflected(n, around, around)).to(self.device)
        return self.indices[n, around]

    def smooth(self, x, axes):
        for axis in axes:
            extents = [2 * RADIUS + 1 if a == axis else 1 for a in range(3)]
            y = self.padded(x, extents)
            if axis == 0:
                lines, weights = y.reshape(1, 1, y.shape[0], -1), self.weights.view(1, 1, -1, 1)
            else:
                lines, weights = y.unsqueeze(1), self.weights.view(1, 1, *extents[1:])
            x = self.f.conv2d(lines, weights).reshape(x.shape)
        return x

    def sorted_median(self, x, k):
        """Windows unfolded and sorted, as many planes at once as memory is meant for."""
        ordered = x.view(self.torch.int16) ^ -32768
        planes = max(1, UNFOLDED // (12 * k * k * x.shape[1] * x.shape[2]))
        made = []
        for part in ordered.split(planes):
            windows = self.padded(part, [1, k, k]).unfold(1, k, 1).unfold(2, k, 1)
            made.append(windows.reshape(*part.shape, k * k).sort(dim=-1).values[..., k * k // 2].clone())
        return self.torch.cat(made) ^ -32768

    def median_of_nine(self, padded):
        """Of u16 whose edges are there: int16 of the other sign bit has the same order."""
        ordered = padded.view(self.torch.int16) ^ -32768
        minimum, maximum = self.torch.minimum, self.torch.maximum
        v = [ordered[:, j // 3 : ordered.shape[1] - 2 + j // 3, j % 3 : ordered.shape[2] - 2 + j % 3] for j in range(9)]
        for a, b in NINE:
            v[a], v[b] = minimum(v[a], v[b]), maximum(v[a], v[b])
        return v[4] ^ -32768

    def opened(self, x):
        # Outside an edge stands what lies inside the window anyway, so that it can be left out: -inf.
        def pooled(y):
            rows = self.f.max_pool2d(y, (1, BOX), 1, (0, BOX // 2))
            return self.f.max_pool2d(rows, (BOX, 1), 1, (BOX // 2, 0))

        return pooled(-pooled(-x.unsqueeze(1))).squeeze(1)

    def steep(self, x):
        slopes = self.f.conv2d(self.padded(x, [1, 3, 3]).unsqueeze(1), self.slopes)
        return (slopes * slopes).sum(1).sqrt()

    def folded(self, op, x):
        if op.dtype == "f32":
            return [{"sum": x.sum, "mean": x.mean, "std": lambda: x.std(unbiased=False)}[op.name]]
        if op.name == "std":
            return [lambda: self.wide(x).std(unbiased=False)]
        per = (lambda s: s.to(self.torch.float64) / x.numel()) if op.name == "mean" else (lambda s: s)
        through = [lambda: per(self.numbers(x).sum(dtype=self.torch.int64))]
        return [lambda: per(x.sum(dtype=self.torch.int64)), *through] if self.native else through

    def chain(self, x):
        if x.dtype == self.torch.float32:
            return ((x * 0.5 + 3).sqrt() - 1).clamp(0.75, 0.8)
        return self.narrow(((self.wide(x) - 100) / 1.7).clamp(0, 65535).round())

    def ways(self, op, x):
        whole = op.dtype == "u16"
        if op.name.startswith("gaussian"):
            axes = [0, 1, 2] if op.name == "gaussian3d" else [1, 2]
            smooth = (lambda: self.narrow(self.smooth(self.wide(x), axes).round())) if whole else (lambda: self.smooth(x, axes))
            return [("conv2d by axis", [smooth])]
        if op.name == "median3":
            fast = self.compiled(self.median_of_nine)
            exchanged = lambda: fast(self.padded(x.view(self.torch.int16), [1, 3, 3]))  # noqa: E731
            return [("unfold, sort", [lambda: self.sorted_median(x, 3)]), ("19 exchanges, compiled", [exchanged])]
        if op.name == "median5":
            return [("unfold, sort", [lambda: self.sorted_median(x, 5)])]
        if op.name == "opening15":
            return [("max_pool2d by axis", [lambda: self.narrow(self.opened(self.wide(x)))])]
        if op.name == "tophat15":
            return [("max_pool2d by axis", [lambda: self.narrow((y := self.wide(x)) - self.opened(y))])]
        if op.name == "sobel":
            return [("conv2d, two kernels", [lambda: self.steep(self.wide(x))])]
        if op.is_fold:
            return [("eager", self.folded(op, x))]
        fused = self.compiled(self.chain)
        return [("eager", [lambda: self.chain(x)]), ("compiled", [lambda: fused(x)])]

    def compiled(self, function):
        kept = []

        def call(x):
            if not kept:
                kept.append(self.torch.compile(function, dynamic=False))
            return kept[0](x)

        return call

    def transfers(self, seconds):
        """GB/s: a copy on the device (read and written), then up, down and both at once from pinned memory."""
        torch, size = self.torch, TRANSFER[self.device]
        a = torch.ones(size, dtype=torch.uint8, device=self.device)
        b = torch.empty_like(a)
        until = time.perf_counter() + seconds / 4

        def rate(count, call):
            call()
            self.wait()
            return count / 1e6 / self.median_ms(call, until + seconds / 4)

        told = {"copy_gb_s": rate(2 * size, lambda: b.copy_(a))}
        if self.device != "cuda":
            return told
        up, down = (torch.ones(size, dtype=torch.uint8, pin_memory=True) for _ in range(2))
        streams = [torch.cuda.Stream() for _ in range(2)]

        def both():
            now = torch.cuda.current_stream()
            for stream, to, source in [(streams[0], a, up), (streams[1], down, b)]:
                stream.wait_stream(now)
                with torch.cuda.stream(stream):
                    to.copy_(source, non_blocking=True)
            for stream in streams:
                now.wait_stream(stream)

        told["up_gb_s"] = rate(size, lambda: a.copy_(up, non_blocking=True))
        told["down_gb_s"] = rate(size, lambda: down.copy_(b, non_blocking=True))
        told["duplex_gb_s"] = rate(2 * size, both)
        return told


class CuPy(Library):
    name = "cupy"

    def __init__(self, device, seconds):
        if device != "cuda":
            raise ImportError("CuPy has no CPU device")
        import cupy
        from cupyx.scipy import ndimage

        if not cupy.cuda.runtime.getDeviceCount():
            raise ImportError(f"CuPy {cupy.__version__} finds no CUDA device")
        self.cupy, self.ndimage = cupy, ndimage
        self.title = f"CuPy {cupy.__version__}"

    def wait(self):
        self.cupy.cuda.Device().synchronize()

    def elapsed_ms(self, call):
        first, last = (self.cupy.cuda.Event() for _ in range(2))
        first.record()
        call()
        last.record()
        last.synchronize()
        return self.cupy.cuda.get_elapsed_time(first, last)

    def there(self, array):
        return self.cupy.asarray(array)

    def back(self, array, op):
        return self.cupy.asnumpy(array)

    def rounded(self, y, op):
        return self.cupy.rint(y).astype(self.cupy.uint16) if op.dtype == "u16" else y

    def steep(self, x):
        along, y = self.ndimage.correlate1d, x.astype(self.cupy.float32)
        # Lists of weights are refused.
        slope, smooth = (self.cupy.asarray(weights, dtype=self.cupy.float32) for weights in [(-1, 0, 1), (1, 2, 1)])
        slopes = [along(along(y, slope, axis=a), smooth, axis=b) for a, b in [(1, 2), (2, 1)]]
        return self.cupy.sqrt(slopes[0] * slopes[0] + slopes[1] * slopes[1])

    def chain(self, x):
        cupy = self.cupy
        if x.dtype == cupy.float32:
            return cupy.clip(cupy.sqrt(x * cupy.float32(0.5) + cupy.float32(3)) - cupy.float32(1), 0.75, 0.8)
        return cupy.rint(cupy.clip((x.astype(cupy.float32) - 100) / cupy.float32(1.7), 0, 65535)).astype(cupy.uint16)

    def ways(self, op, x):
        nd, cupy, box = self.ndimage, self.cupy, (1, BOX, BOX)
        if op.name.startswith("gaussian"):
            sigma = SIGMA if op.name == "gaussian3d" else (0, SIGMA, SIGMA)
            return [("ndimage, f32", [lambda: self.rounded(nd.gaussian_filter(x, sigma, output=cupy.float32), op)])]
        if op.name.startswith("median"):
            k = int(op.name[-1])
            return [("ndimage", [lambda: nd.median_filter(x, size=(1, k, k))])]
        if op.name in MORPHOLOGY:
            return [("ndimage", [lambda: getattr(nd, MORPHOLOGY[op.name])(x, size=box)])]
        if op.name == "sobel":
            return [("ndimage, f32", [lambda: self.steep(x)])]
        if op.is_fold:
            wide = {"sum": cupy.uint64, "mean": cupy.float64, "std": cupy.float64}[op.name]
            return [("eager", [lambda: getattr(x, op.name)(dtype=wide if op.dtype == "u16" else None)])]
        return [("eager", [lambda: self.chain(x)])]

    def transfers(self, seconds):
        a = self.cupy.ones(TRANSFER["cuda"], dtype=self.cupy.uint8)
        b = self.cupy.empty_like(a)
        self.cupy.copyto(b, a)
        ms = self.median_ms(lambda: self.cupy.copyto(b, a), time.perf_counter() + seconds / 4)
        return {"copy_gb_s": 2 * a.nbytes / 1e6 / ms}


class CuCIM(CuPy):
    name = "cucim"

    def __init__(self, device, seconds):
        super().__init__(device, seconds)
        import cucim
        from cucim.skimage import filters, morphology

        self.filters, self.morphology = filters, morphology
        self.title = f"cuCIM {cucim.__version__}"

    def ways(self, op, x):
        box = self.cupy.ones((1, BOX, BOX), dtype=bool)
        if op.name.startswith("gaussian"):
            sigma = SIGMA if op.name == "gaussian3d" else (0, SIGMA, SIGMA)
            smooth = self.filters.gaussian
            return [("skimage", [lambda: self.rounded(smooth(x, sigma=sigma, mode="reflect", preserve_range=True), op)])]
        if op.name.startswith("median"):
            k = int(op.name[-1])
            around = self.cupy.ones((1, k, k), dtype=bool)
            return [("skimage", [lambda: self.filters.median(x, around, mode="reflect")])]
        if op.name in MORPHOLOGY:
            filtered = getattr(self.morphology, MORPHOLOGY[op.name].removeprefix("grey_"))
            return [("skimage", [lambda: filtered(x, box)])]
        return []


LIBRARIES = [Torch, CuPy, CuCIM]
