"""Time, memory and agreement, each taken in one way for everybody."""

import ctypes
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import time
from importlib import metadata

import numpy as np
import torch

from ltcbook.models.convert import LTC_NAMES

SAMPLE = 0.05  # seconds that one sample lasts at least: a fast peer is called several times in a row
# beyond these nothing is timed: the peers compute different things
LIMITS = {
    "outputs": 1e-5,
    "gradients": 1e-4,
}


class Disagreement(Exception):
    """Two peers that must give the same numbers do not."""


# --- time -------------------------------------------------------------------------------------------------


def timed(calls, *, rounds, budget, clock=time.process_time):
    """Name -> list of seconds per call, one entry per round, everybody once in every round: A B C, A B C,
    ...

    Everybody warms up first, which also says how often a fast one is called for one sample. No further
    round starts after ``budget`` seconds, but three are always run.
    """
    repeats = {}
    for name, call in calls.items():
        for _ in range(2):  # the first call may compile
            began = time.perf_counter()
            call()
            took = time.perf_counter() - began
            if took > 1:
                break
        repeats[name] = max(1, min(1000, round(SAMPLE / max(took, 1e-6))))
    taken, began = {name: [] for name in calls}, time.perf_counter()
    for k in range(rounds):
        if k >= 3 and time.perf_counter() - began > budget:
            break
        gc.collect()
        for name, call in calls.items():
            start = clock()
            for _ in range(repeats[name]):
                call()
            taken[name].append((clock() - start) / repeats[name])
    return taken


def quartiles(values):
    """Median and the quartiles around it, with the number of values."""
    low, median, high = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "low": float(low), "high": float(high), "runs": len(values)}


def ratios(taken, base):
    """Name -> seconds, and how many times faster than ``base``: the quartiles of the ratios within each
    round.
    """
    return {
        name: {"seconds": quartiles(values), "ratio": quartiles(np.divide(taken[base], values))}
        for name, values in taken.items()
    }


# --- memory -----------------------------------------------------------------------------------------------


def peak(job, *arguments):
    """What ``job(*arguments)``, which returns (warm, step), takes at most: MB beyond what is there before
    the step.

    The growth of the process's resident memory while ``step()`` runs, in a fresh process after ``warm()``,
    which loads what is loaded only once. None where the system does not tell (anything but Linux); a string
    says why it failed.
    """
    return apart(_peak, job, arguments) if sys.platform.startswith("linux") else None


def _peak(job, arguments):
    warm, step = job(*arguments)
    warm()
    tidy()  # so that the step has to ask for all it needs
    with open("/proc/self/clear_refs", "w", encoding="utf8") as file:
        file.write("5")  # forget the highest value so far
    before = status("VmRSS")
    step()
    return max(0.0, status("VmHWM") - before) / 1000


def tidy():
    """Collect garbage, and on Linux hand freed memory back to the system, also what our kernels keep for
    later.
    """
    from ltcbook.kernels import call  # needs numba

    gc.collect()
    call.SPARE.clear()
    if sys.platform.startswith("linux"):
        getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: None)(0)


def apart(job, *arguments):
    """``job(*arguments)`` in a fresh process on one thread; a string says why it failed."""
    if "forkserver" in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["benchmarks.peers", "ncps.torch", "nn4n.model", "torchdiffeq"])
    else:  # Windows
        context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(there, job, arguments))
    child.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        answer = "the process was killed: out of memory?"
    child.join()
    return answer


def beside(module, told, environment):
    """What a module prints when it is run in a fresh process with ``told``, as JSON, and with other variables
    of the environment: JSON, too; a string says why it failed.
    """
    command = [sys.executable, "-m", module, json.dumps(told)]
    options = {"env": os.environ | environment, "capture_output": True, "text": True, "check": False}
    answer = subprocess.run(command, **options)
    return json.loads(answer.stdout) if answer.returncode == 0 else answer.stderr.strip()[-300:]


def _child(pipe, job, arguments):
    try:
        torch.set_num_threads(1)
        pipe.send(job(*arguments))
    except Exception as error:  # the parent reports it
        pipe.send(f"{type(error).__name__}: {error}")


def status(name):
    """A line of what Linux says about this process, in kB."""
    with open("/proc/self/status", encoding="utf8") as file:
        return next(int(line.split()[1]) * 1.024 for line in file if line.startswith(name + ":"))


def available():
    """MB that this machine can still give away; infinity where it does not tell."""
    try:
        with open("/proc/meminfo", encoding="utf8") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("MemAvailable")) / 1000
    except (OSError, StopIteration):
        return float("inf")


def dense_estimate(units, batch, steps, unfolds):
    """MB that a training step takes where every gate of an n x n matrix is kept (ncps, our reference),
    float32.
    """
    return 5.5 * 4 * units**2 * batch * steps * unfolds / 1e6


# --- agreement --------------------------------------------------------------------------------------------


def gradients(peer):
    """Field of ``dynamics.LTC``, or input_w ... -> derivative, float64, [target, source], from ours or from
    ncps's.
    """
    own = {
        name: p.grad for name, p in peer.module.named_parameters() if p.requires_grad and p.grad is not None
    }
    own = {name.removeprefix("rnn_cell.").removeprefix("raw_"): grad.double() for name, grad in own.items()}
    theirs = {ncps: ours for ours, ncps in LTC_NAMES.items()}
    if "cm" in own:
        own = {theirs.get(name, name): grad.T if grad.ndim == 2 else grad for name, grad in own.items()}
    return own


def answers(peer, u):
    """Outputs and gradients of one training step, float64."""
    peer.train(u)
    return peer.infer(u).double(), gradients(peer)


def distance(one, other):
    """Largest difference of outputs relative to the largest output (or 1), and the worst parameter's
    relative error.
    """
    (y, grads), (y_, grads_) = one, other
    outputs = (y - y_).abs().max() / max(1.0, float(y_.abs().max()))
    if set(grads) != set(grads_):
        raise Disagreement(f"derivatives by different parameters: {sorted(set(grads) ^ set(grads_))}.")
    worst = max(float((grads[k] - grads_[k]).norm() / grads_[k].norm().clamp_min(1e-30)) for k in grads)
    return {"outputs": float(outputs), "gradients": worst}


def agreement(found, truth, u):
    """Name -> its distance to ``truth``, a float64 peer that computes the same; ``found`` float32 or
    float64 peers.

    Raises Disagreement where one is farther away than ``LIMITS``.
    """
    exact, result = answers(truth, u.double()), {}
    for name, peer in found.items():
        dtype = next(iter(peer.parameters())).dtype
        result[name] = distance(answers(peer, u.to(dtype)), exact)
        refuse(name, result[name], "the float64 reference")
    return result


def refuse(name, far, whom):
    """Raise Disagreement where a distance is beyond ``LIMITS``."""
    for what, limit in LIMITS.items():
        if not far[what] <= limit:
            raise Disagreement(
                f"{name}: {what} are {far[what]:.2g} away from {whom}, not {limit:g}; nothing was timed."
            )


# --- machine ----------------------------------------------------------------------------------------------


def cores():
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def version(package):
    """What is installed of a package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def machine():
    """What the numbers depend on."""
    import platform

    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            cpu = next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    packages = ("torch", "numba", "numpy", "ncps", "nn4n", "torchdiffeq")
    return {
        "cpu": cpu,
        "cores": cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }
