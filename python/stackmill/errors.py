"""What stackmill raises. Each error is also the built-in exception that fits, so that existing handlers catch it."""


class StackmillError(Exception):
    """Any error of stackmill. The last line may be a hint: a way out."""


class CallerError(StackmillError, ValueError):
    """A name, shape, dtype, range or file that cannot work."""


class MachineError(StackmillError, OSError):
    """Memory, disk, a device, a file that changed or broke."""


class FaultError(StackmillError, RuntimeError):
    """A broken promise inside stackmill; please report it."""
