"""Is the Triton backend right? ``python tests/triton_check.py`` answers on this machine.

First its states and all derivatives beside those of the reference in float64: on the GPU where there is one, else
in Triton's interpreter on the CPU. Then what it compiles to for two generations of GPUs: registers, and bytes
that do not fit into them. Ends with 1 where a number is too far off or a register too few.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ARCHITECTURES = (80, 90)
LIMITS = {"float32": (1e-6, 1e-5), "float64": (1e-12, 1e-12)}  # states, derivatives; of the largest of each

SMALL = {"batch": 3, "steps": 2, "m": 2, "dtype": "float64", "solver": "fused", "constraint": "implicit"}
CASES = {  # of more samples than programs, and no power of two anywhere
    "19 units": {"n": 19},
    "19 units, float32": {"n": 19, "solver": "extrapolated", "dtype": "float32"},
    "9 units without inputs": {"n": 9, "m": 0, "solver": "exponential"},
    "40 units, explicit": {"n": 40, "m": 3, "solver": "extrapolated", "constraint": "explicit", "batch": 1},
    "70 units": {"n": 70, "m": 3, "solver": "extrapolated", "batch": 2},
    "70 units, float32": {"n": 70, "dtype": "float32", "batch": 1},
}
LARGE = {  # for a GPU alone
    f"{n} units, {solver}, {dtype}": {
        "n": n,
        "m": 5,
        "batch": batch,
        "steps": 50,
        "solver": solver,
        "dtype": dtype,
    }
    for n, batch in ((27, 700), (64, 300), (256, 40))
    for solver in ("fused", "exponential", "extrapolated")
    for dtype in LIMITS
}


def agree(device):
    """Case -> largest relative distance from the reference of the states, and of each derivative."""
    cases = CASES | (LARGE if device == "cuda" else {})
    return {name: compared(device, **(SMALL | case)) for name, case in cases.items()}


def compared(device, *, n, m, batch, steps, dtype, solver, constraint):
    """See ``agree``, for one network whose last neurons hear nobody, with uneven steps in time."""
    import numpy as np
    import torch

    from ltcbook import models, wiring

    rng = np.random.default_rng(n)
    graph = wiring.random_sparse(n, sensory=m, sparsity=0.7, rng=rng)
    deaf = np.arange(n)[:, None] < n - 2
    net = models.LTCNet(
        wiring.Wiring(graph.polarity * deaf, graph.polarity_in * deaf, graph.role),
        solver=solver,
        substeps=2,
        constraint=constraint,
        backend="triton",
        generator=torch.Generator().manual_seed(n),
    )
    shapes = {"u": (batch, steps, m), "x0": (batch, n), "dt": (batch, steps), "by_x": (batch, steps, n)}
    given = {name: torch.tensor(rng.normal(size=shape)).float() for name, shape in shapes.items()}
    given["dt"] = given["dt"].abs() + 0.1

    def moved(where, kind, backend):
        there = {name: t.to(where, kind, copy=True) for name, t in given.items()}
        leaves = [there[name].requires_grad_() for name in ("u", "x0")]
        net.to(where, kind).backend = backend
        net.zero_grad()
        x = net(leaves[0], leaves[1], there["dt"])[1]
        (x * there["by_x"]).sum().backward()
        named = dict(zip(("u", "x0"), leaves, strict=True)) | dict(net.named_parameters())
        return {"x": x.detach()} | {
            name: t.grad.clone() for name, t in named.items() if t.grad is not None and t.numel()
        }

    kind = getattr(torch, dtype)
    ours = moved(device, kind, "triton")
    if device == "cuda":
        again = moved(device, kind, "triton")
        assert all(torch.equal(again[name], t) for name, t in ours.items()), "another time, other bits"
    with torch.no_grad():
        x = net(*(given[name].to(device, kind) for name in ("u", "x0", "dt")))[1]
    assert torch.equal(x, ours["x"]), "other bits without derivatives"
    truth = moved("cpu", torch.float64, "reference")
    assert set(truth) == set(ours)
    far = {name: ours[name].cpu().double() - t for name, t in truth.items()}
    return {name: float(d.abs().max() / truth[name].abs().max().clamp(min=1e-30)) for name, d in far.items()}


def verdicts(found):
    """(case, far, what, limit) of the states, and of the worst derivative of every case."""
    for name, far in found.items():
        states, derivatives = LIMITS["float32" if "float32" in name else "float64"]
        yield name, far["x"], "x", states
        worst = max((what for what in far if what != "x"), key=far.get)
        yield name, far[worst], worst, derivatives


def compiled(kernel, solver, dense, architecture):
    """A kernel for matrices of so many neurons (0: for tables), compiled for a GPU that need not be here."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from ltcbook.kernels import triton_call, triton_sequence
    from ltcbook.solvers import SOLVERS

    step, back = triton_call.rules(SOLVERS[solver])
    constants = {"N": dense, "R": dense or triton_call.DENSE, "F": triton_call.SLOTS}
    constants["AHEAD"] = SOLVERS[solver].ahead
    constants |= {"STEP": step} | ({"KEEP": True} if kernel == "forward" else {"BACK": back})
    function = getattr(triton_sequence, kernel)
    types, even = {}, {}
    for place, name in enumerate(function.arg_names):
        pointer = name.split("_")[-1].isupper() and name != "B" and name != "T" and name != "K"
        kind = "*i32" if name.endswith("OTHER") else "*fp64" if name == "TOTALS" else "*fp32"
        types[name] = "constexpr" if name in constants else kind if pointer else "i32"
        if types[name].startswith("*") or name.endswith(("_size", "_slots")):
            even[(place,)] = [["tt.divisibility", 16]]
    source = ASTSource(fn=function, signature=types, constexprs=constants, attrs=even)
    target = GPUTarget("cuda", architecture, 32)
    return triton.compile(source, target=target, options=triton_call.FITS)


def registers(kernel, solver, dense, architecture):
    """Registers of a thread, and bytes that it has to keep elsewhere, read from the finished program."""
    import triton

    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "kernel.cubin"
        file.write_bytes(compiled(kernel, solver, dense, architecture).asm["cubin"])
        command = [tool, "-res-usage", file]
        said = subprocess.run(command, capture_output=True, encoding="utf8", check=True).stdout
    used, *elsewhere = (int(re.search(rf"\b{name}:(\d+)", said)[1]) for name in ("REG", "STACK", "LOCAL"))
    return used, sum(elsewhere)


def interpreted():
    """``agree`` in a process where Triton's interpreter stands in for a GPU."""
    command = [sys.executable, __file__, "agree"]
    said = subprocess.run(
        command, capture_output=True, encoding="utf8", env=os.environ | {"TRITON_INTERPRET": "1"}
    )
    if said.returncode:
        raise RuntimeError(said.stderr)
    return json.loads(said.stdout.splitlines()[-1])


def main():
    import torch

    if sys.argv[1:] == ["agree"]:
        print(json.dumps(agree("cpu")))
        return 0
    there = torch.cuda.is_available()
    print(
        f"on {torch.cuda.get_device_name()}" if there else "no GPU here: in Triton's interpreter, on the CPU"
    )
    bad = 0
    for name, far, what, limit in verdicts(agree("cuda") if there else interpreted()):
        bad += not far <= limit
        print(f"  {name:<36} {what:<10} {far:.1e} {'' if far <= limit else f'beyond {limit:g}'}", flush=True)
    print("registers of a thread, and bytes that do not fit into them")
    for dense in (32, 64, 0):
        for solver in ("fused", "exponential", "extrapolated"):
            for kernel in ("forward", "backward"):
                for architecture in ARCHITECTURES:
                    used, spilled = registers(kernel, solver, dense, architecture)
                    bad += spilled > 0
                    size = f"up to {dense} units" if dense else "tables"
                    print(
                        f"  sm_{architecture} {size:<15} {solver:<13} {kernel:<9} {used:>3} {spilled}",
                        flush=True,
                    )
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
