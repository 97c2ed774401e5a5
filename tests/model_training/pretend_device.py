"""A device that is not the CPU and is there on every machine, for proofs that need no GPU.

Its tensors report the device `meta`, so that whatever asks a tensor for its device gets another
answer than `cpu`, but they have values: each holds a CPU tensor, on which the operations run, so
that results are the CPU's to the last bit. What a GPU refuses is refused here: operations on
tensors of two devices. So is, unless it is allowed, what makes the CPU wait for a GPU: to read a
value, or to make a tensor whose shape depends on values.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")

_aten = torch.ops.aten
_READS = {_aten._local_scalar_dense.default, _aten.equal.default}
_SHAPES = {_aten.nonzero.default, _aten.masked_select.default}


class DeviceError(AssertionError):
    """A GPU would have refused this, or would have been waited for."""


class OnDevice(Tensor):
    """A tensor on the pretended device, with its values in `held`."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> OnDevice:
        made = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=DEVICE,
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:  # type: ignore[override]
        return f"OnDevice({tuple(self.shape)}, {self.dtype})"

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _run(func, args, kwargs or {}, reading=False)


class _FromNumbers(TorchFunctionMode):
    """`torch.tensor` fills its tensor before any operation is seen; for `meta` it does not even."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        there = kwargs.get("device") is not None and torch.device(kwargs["device"]) == DEVICE
        if func is torch.tensor and there:
            del kwargs["device"]
            return func(*args, **kwargs).to(DEVICE)
        return func(*args, **kwargs)


class PretendDevice(TorchDispatchMode):
    """While this is on, `DEVICE` can be copied to and tensors can be made there.

    Args:
        reading: allow what waits for the device; the innermost one of several decides.
    """

    def __init__(self, *, reading: bool) -> None:
        super().__init__()
        self.reading = reading
        self._numbers = _FromNumbers()

    def __enter__(self) -> PretendDevice:
        super().__enter__()
        self._numbers.__enter__()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._numbers.__exit__(*raised)
        super().__exit__(*raised)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        return _run(func, args, kwargs or {}, reading=self.reading)


def values(x: Tensor) -> Tensor:
    """A CPU tensor with the values of `x`, wherever it is."""
    return x.held if isinstance(x, OnDevice) else x.detach()


def _run(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, reading: bool) -> Any:
    given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    there = [x for x in given if isinstance(x, OnDevice)]
    target = kwargs.get("device")
    inner = dict(kwargs)
    if target is not None:
        inner["device"] = torch.device("cpu")
    if there:
        if not reading:
            _refuse_to_wait(func, args, target)
        if not (func is _aten.copy_.default and isinstance(args[0], OnDevice)):
            _refuse_to_mix(func, given)
    result = func(*tree_map(_held, args), **tree_map(_held, inner))
    goes = bool(there) if target is None else torch.device(target).type == DEVICE.type
    if not goes:
        return result
    known = {id(x.held): x for x in there}
    return tree_map(lambda x: _wrap(x, known), result)


def _held(x: Any) -> Any:
    return x.held if isinstance(x, OnDevice) else x


def _wrap(x: Any, known: dict[int, OnDevice]) -> Any:
    if not isinstance(x, Tensor):
        return x
    return known[id(x)] if id(x) in known else OnDevice(x)


def _refuse_to_wait(func: Any, args: tuple[Any, ...], target: torch.device | None) -> None:
    if func in _READS or (target is not None and torch.device(target).type != DEVICE.type):
        raise DeviceError(f"{func} reads values back from the device")
    mask = func is _aten.index.Tensor and any(
        x is not None and x.dtype in (torch.bool, torch.uint8) for x in args[1]
    )
    if func in _SHAPES or mask:
        raise DeviceError(f"{func} makes a shape that depends on values")


def _refuse_to_mix(func: Any, given: list[Tensor]) -> None:
    for x in given:
        if not isinstance(x, OnDevice):
            raise DeviceError(f"{func} mixes devices: {tuple(x.shape)} is on the CPU")
