"""How many kernels a training step would start on a GPU, and how often it would wait for one: no times.

Counted on a CPU, where torch runs the same operations. On a GPU a few of them start more than one kernel (a
slice's derivative fills, then copies), for every peer alike; a layer that cuDNN computes whole, such as
``nn.GRU``, could not be counted so. Kernels of Triton are not run: each counts as one.
"""

import math
from contextlib import contextmanager
from importlib.util import find_spec
from unittest.mock import patch

from torch.utils._python_dispatch import TorchDispatchMode

from ltcbook import backends, ops
from ltcbook.kernels import parallel

from . import peers, workloads

SHORT = (20, 40, 60)  # steps from which a long stepwise run is continued in a straight line
LONG = 1000  # from so many steps on
ROOM = ("empty", "new_empty", "_unsafe_view", "lift")  # names that begin so: memory, or another look at it
READS = ("_local_scalar_dense", "equal", "nonzero")


class Launches(TorchDispatchMode):
    """Counts torch's operations while it is active, whatever the device.

    starts: those that compute or copy numbers, so all but views, empty memory and reads. reads: values that
    Python asks for, so that it waits until a GPU has them.
    """

    def __enter__(self):
        self.starts = self.reads = 0
        return super().__enter__()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name.removeprefix("aten::")
        read = name in READS
        self.reads += read
        self.starts += not (read or func.is_view or name.startswith(ROOM))
        return func(*args, **(kwargs or {}))


def counted(peer, u, steps):
    """Starts and reads of one training step on so many steps, after another one of a single input."""
    by_torch = lambda x: math.isfinite(x.detach().sum())  # as on a GPU; on a CPU NumPy does it, unseen
    peer.train(u[:, :1])
    with Launches() as seen, patch.object(ops, "surely_finite", by_torch):
        peer.train(u[:, :steps])
    return {"starts": seen.starts, "reads": seen.reads}


def straight(peer, u, steps):
    """``counted`` for more steps than are run; ValueError unless it grows in a straight line with them."""
    first, middle, last = (counted(peer, u, short) for short in SHORT)
    found = {}
    for what in first:
        slope, rest = divmod(middle[what] - first[what], SHORT[1] - SHORT[0])
        found[what] = first[what] + slope * (steps - SHORT[0])
        if rest or last[what] != first[what] + slope * (SHORT[2] - SHORT[0]):
            raise ValueError(f"{peer.name}: {what} do not grow evenly with the steps.")
    return found


@contextmanager
def kernels_of_triton():
    """While it is active, one operation of torch stands for each start of Triton's kernels, on a CPU too."""
    from ltcbook.kernels.triton_call import Call

    def start(call, kernel, tables, arrays, constants):
        arrays["X" if "X" in arrays else "BY_U"].zero_()

    with patch.object(Call, "_launch", start), patch.object(backends.triton, "without", lambda device: None):
        yield


def count(work, steps):
    """Name -> starts and reads of a training step, of ncps and of our backends that a GPU can run.

    Those that go step by step are counted with two samples, since more change nothing, and on many steps by
    ``straight``.
    """
    graph = work.wired()
    found = {}
    for peer in peers.on_a_gpu(workloads.source(graph)):
        at_once = peer.name == "ltcbook parallel"
        u = workloads.waves(work.batch if at_once else min(work.batch, 2), steps, graph.m)
        with patch.object(parallel, "ELEMENTS", parallel.ELEMENTS_GPU):  # windows of time as on a GPU
            found[peer.name] = (counted if at_once or steps < LONG else straight)(peer, u, steps)
    if find_spec("triton"):
        peer = peers.ltc("ltcbook triton", peers.SAME, workloads.source(graph), backend="triton")
        with kernels_of_triton():
            found[peer.name] = counted(peer, workloads.waves(work.batch, steps, graph.m), steps)
    return found
