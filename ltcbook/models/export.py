"""One step of a network as a program of its own, for places where ltcbook is not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from ..validation import brief, number, optional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILES = (".pt2", ".onnx")


class _Step(nn.Module):
    """(u (B, m), x (B, state_size), dt (B,) in ms) -> (y (B, outputs), x after); without dt where it is
    fixed.
    """

    def __init__(self, net: nn.Module, dt: float | None) -> None:
        super().__init__()
        self.net, self.dt = net, dt

    def forward(
        self, u: torch.Tensor, x: torch.Tensor, dt: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        y, x = self.net(u[:, None], x, self.dt if dt is None else dt[:, None])
        return y[:, 0], x[:, 0]


def export_step(
    net: nn.Module, path: str | Path | None = None, *, dt: float | None = None
) -> torch.export.ExportedProgram:
    """One step of a network as a program that runs without ltcbook: (u, x, dt) -> (y, x after), for any batch
    size B.

    u (B, m), x (B, state_size): zeros at first, then the x that came back; dt (B,) in ms, or a number given
    here, which is built in: (u, x) -> (y, x). The network is taken as it is in eval mode, without noise.
    path: a file to write, or None. "....pt2" is read by ``torch.export.load(path).module()`` and needs torch
    alone; "....onnx" runs wherever ONNX does (inputs "u", "x", "dt", outputs "y", "x_next") and needs the
    packages onnx and onnxscript to be written. Nothing of TorchScript is used. Returns the
    ``torch.export.ExportedProgram``. Before anything is written, and for ONNX after it, the program answers
    random inputs, and every answer is held against the network's. Raises ValueError for no network, another
    ending or dt, a network that cannot be exported (adaptive and adjoint solvers), and a program that differs
    from the network; ImportError without the packages.

    >>> net = models.RNNet(2, 8, 1, generator=torch.Generator().manual_seed(0))
    >>> step = models.export_step(net).module()
    >>> u, x, dt = torch.zeros(1, 2), torch.zeros(1, 8), torch.ones(1)
    >>> y, x = step(u, x, dt)
    >>> tuple(y.shape), tuple(x.shape)
    ((1, 1), (1, 8))
    """
    if not isinstance(net, nn.Module) or not isinstance(getattr(net, "m", None), int):
        raise ValueError(
            f"net is {type(net).__name__}; pass one of ltcbook.models, or a module with their signature that "
            "says its number of inputs, m."
        )
    if path is not None and not (isinstance(path, (str, Path)) and Path(path).suffix in FILES):
        raise ValueError(f"path is {brief(path)}; it must end on one of {', '.join(FILES)}.")
    dt = None if dt is None else number("dt", dt, 0)
    if path is not None and Path(path).suffix == ".onnx":
        optional("onnxscript", "onnxscript", "export_step to .onnx")
        optional("onnx", "onnx", "export_step to .onnx")
    training = net.training
    net.eval()
    try:
        step = _Step(net, dt)
        calls = [_example(net, batch, dt) for batch in (3, 1, 5)]
        names = ("u", "x", "dt")[: len(calls[0])]
        batch = torch.export.Dim("batch", min=1, max=2**31 - 1)  # torch 2.7 wants an end
        with torch.no_grad():
            try:
                program = torch.export.export(
                    step, calls[0], dynamic_shapes={name: {0: batch} for name in names}
                )
            except Exception as error:
                raise ValueError(
                    f"{type(net).__name__} cannot be exported ({str(error).splitlines()[0]}). What "
                    "torchdiffeq solves never can: take solver='rk4' or 'euler' without adjoint; of an LTC, "
                    "backend='auto' can."
                ) from error
            _hold_against(step, program.module(), calls)
            if path is not None and Path(path).suffix == ".pt2":
                torch.export.save(program, path)
            elif path is not None:
                torch.onnx.export(
                    program,
                    (),
                    str(path),
                    dynamo=True,
                    verbose=False,
                    input_names=names,
                    output_names=["y", "x_next"],
                )
                _hold_against(step, _onnx(path, names), calls)
        return program
    finally:
        net.train(training)


def _example(net: Any, batch: int, dt: float | None) -> tuple[torch.Tensor, ...]:
    """(u, x[, dt]) of this batch size: random inputs, a state that random inputs lead to, times from 0 to
    2 ms.
    """
    first = next(p for p in net.parameters() if p.is_floating_point())
    draw: dict[str, Any] = {
        "generator": torch.Generator().manual_seed(batch),
        "dtype": torch.float64,
        "device": "cpu",
    }
    u = torch.randn(batch, 4, net.m, **draw).to(first)
    with torch.no_grad():
        x = net(u[:, 1:])[1][:, -1]
    times = 2 * torch.rand(batch, **draw)
    times[1:2] = 0
    return (u[:, 0], x, times.to(first))[: 3 if dt is None else 2]


def _hold_against(step: Callable, program: Callable, calls: list[tuple[torch.Tensor, ...]]) -> None:
    """ValueError where a program answers otherwise than the step; calls: a list of its arguments."""
    for call in calls:
        for name, truth, came in zip(("y", "x"), step(*call), program(*call), strict=True):
            bound = 1e-9 if truth.dtype == torch.float64 else 1e-4 if truth.dtype == torch.float32 else 5e-2
            if came.shape != truth.shape or not torch.allclose(came.to(truth), truth, rtol=bound, atol=bound):
                off = (
                    (came.to(truth) - truth).abs().max().item()
                    if came.shape == truth.shape
                    else tuple(came.shape)
                )
                raise ValueError(
                    f"the exported step differs from the network: {name} is off by {off} for a batch of "
                    f"{len(truth)}."
                )


def _onnx(path: str | Path, names: Sequence[str]) -> Callable:
    """A function that runs an ONNX file on tensors, by onnxruntime where it is installed, else by onnx
    itself.
    """
    try:
        from onnxruntime import InferenceSession

        run = InferenceSession(str(path)).run
        heard = {value.name for value in InferenceSession(str(path)).get_inputs()}
    except ImportError:
        from onnx.reference import ReferenceEvaluator

        evaluator = ReferenceEvaluator(str(path))
        run, heard = evaluator.run, set(evaluator.input_names)

    def program(*call: torch.Tensor) -> list[torch.Tensor]:
        given = {
            name: tensor.cpu().numpy() for name, tensor in zip(names, call, strict=True) if name in heard
        }
        return [torch.as_tensor(np.asarray(part)) for part in run(None, given)]

    return program
