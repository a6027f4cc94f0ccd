"""Many runs as one call: every combination of seeds, thresholds, methods ..., in parallel, and again where
it stopped.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from .. import __version__
from ..validation import brief, optional, whole
from . import together
from .progress import bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def sweep(
    experiment: Callable[..., dict[str, Any]],
    *,
    folder: str | Path | None = None,
    jobs: int = -1,
    stack: int | None = None,
    progress: bool = True,
    **grid: Iterable,
) -> list[dict[str, Any]]:
    """Run an experiment at every point of a grid; returns one dict per point, its values and its result, in
    order.

    experiment: a function of the grid's names, such as ``run(seed, threshold, method)``, that returns a dict
    of plain values (numbers, strings, lists, None) and takes every chance from its seed. grid: name=list of
    plain values; the last name varies fastest. jobs: processes at once, -1 for one per core, 1 for none
    beside this one; each runs torch on one thread, so that results do not depend on jobs. Inside
    ``joblib.parallel_config(backend="dask")`` the same call runs on a Dask cluster, ``jobs`` is the
    cluster's.

    The experiments of one process take turns: up to ``stack`` of them (None: 16, or as many as a quarter of
    the memory holds) run in threads, one at a time, each until it calls ``fit``. When all wait there, the LTC
    networks of one size train as one stack, which is several times as fast and gives every experiment the
    bits that it has alone. The global generators of torch, NumPy and Python are each experiment's own then,
    other things of the process (the working directory, torch's default dtype, warning filters) are not: let
    an experiment that changes such things while it trains, or that needs its process's main thread, say
    stack=1, and one runs after the other.

    folder: where every finished run is kept at once as a JSON file. The same call later, also after a kill,
    reads what is there and runs the rest. progress: a bar. The lists that come back can go to
    ``pandas.DataFrame``.

    Raises ValueError for an empty grid, a value or a result that is not plain, a point given twice, a name
    that the experiment does not take, or a folder of another experiment (its code or this package has
    changed); ImportError without joblib, or without tqdm where progress is on. An error in one run ends the
    call, once those that take turns with it are through; what was finished stays kept.

    >>> def roll(seed, sides):
    ...     die = np.random.default_rng(seed)
    ...     return {"rolled": die.integers(1, sides + 1)}
    >>> runs = train.sweep(roll, seed=range(3), sides=[6, 20], jobs=1,
    ...                    progress=False)
    >>> len(runs), runs[1]["sides"], sorted(runs[1])
    (6, 20, ['rolled', 'seed', 'sides'])
    """
    joblib = optional("joblib", "joblib", "train.sweep")
    points = _points(experiment, grid)
    store = None if folder is None else _Store(folder, experiment, tuple(grid))
    done = (
        {}
        if store is None
        else {k: kept for k, point in enumerate(points) if (kept := store.read(point)) is not None}
    )
    waiting = [k for k in range(len(points)) if k not in done]
    workers = joblib.effective_n_jobs(_jobs(jobs))
    most = together.MOST if stack is None else whole("stack", stack, 1)
    size = max(1, min(most, -(-len(waiting) // workers)))  # so that every worker has something to do
    tasks = [
        (experiment, [(k, points[k]) for k in waiting[at : at + size]], store, most, workers)
        for at in range(0, len(waiting), size)
    ]
    with bar(len(points), len(done), "run", progress, "train.sweep") as advance:
        if workers == 1:
            found = (_several(*task) for task in tasks)
        else:
            parallel = joblib.Parallel(n_jobs=jobs, return_as="generator_unordered")
            found = parallel(joblib.delayed(_listed)(*task) for task in tasks)
        for some in found:
            for k, result in some:
                done[k] = result
                advance()
    return [{**point, **done[k]} for k, point in enumerate(points)]


def _listed(*task: Any) -> list[tuple[int, dict[str, Any]]]:
    """``_several`` to its end; what joblib calls, here or on another machine."""
    return list(_several(*task))


def _several(
    experiment: Callable[..., dict[str, Any]],
    points: list[tuple[int, dict[str, Any]]],
    store: _Store | None,
    most: int,
    workers: int,
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(k, result) of some runs that take turns, on one thread of torch; the error of the first that failed,
    once all are through.
    """
    threads, errors = torch.get_num_threads(), {}
    jobs = [partial(_one, experiment, point, store) for _, point in points]
    torch.set_num_threads(1)
    try:
        for place, result, error in together.in_turns(jobs, most, workers):
            if error is None:
                yield points[place][0], result
            else:
                errors[place] = error
    finally:
        torch.set_num_threads(threads)
    if errors:
        raise errors[min(errors)]


def _one(
    experiment: Callable[..., dict[str, Any]], point: dict[str, Any], store: _Store | None
) -> dict[str, Any]:
    """One run, checked and kept."""
    torch.set_num_threads(1)  # a thread of its own may begin with more
    result = experiment(**point)
    if not isinstance(result, dict) or set(result) & set(point):
        raise ValueError(
            f"the experiment returned {brief(result)} at {point}; it must be a dict whose names are not the "
            "grid's."
        )
    result = _plain(result, f"the result at {point}")
    if store is not None:
        store.write(point, result)
    return result


class _Store:
    """A folder with one JSON file per finished run, and one that says whose runs they are."""

    def __init__(
        self, folder: str | Path, experiment: Callable[..., dict[str, Any]], names: tuple[str, ...]
    ) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        owner = {
            "experiment": getattr(experiment, "__qualname__", repr(experiment)),
            "code": _code(experiment),
            "names": list(names),
            "ltcbook": __version__,
        }
        about = self.folder / "sweep.json"
        if not about.exists():
            _write(about, owner)
        try:
            there = json.loads(about.read_text("utf8"))
        except json.JSONDecodeError:
            raise ValueError(f"{about} is not the file of a sweep; take another folder.") from None
        if there != owner:
            changed = [name for name in owner if there.get(name) != owner[name]]
            raise ValueError(
                f"{folder} holds runs of another sweep ({', '.join(changed)} differ): take another folder, "
                "or remove this one to run everything anew."
            )

    def read(self, point: dict[str, Any]) -> dict[str, Any] | None:
        """The kept result of a point, or None."""
        path = self._path(point)
        return json.loads(path.read_text("utf8"))["result"] if path.exists() else None

    def write(self, point: dict[str, Any], result: dict[str, Any]) -> None:
        """Keep a result in one step: a kill leaves the whole file or none."""
        _write(self._path(point), {"point": point, "result": result})

    def _path(self, point: dict[str, Any]) -> Path:
        return self.folder / f"{hashlib.sha256(_key(point).encode()).hexdigest()[:20]}.json"


def _write(path: Path, content: dict[str, Any]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.write_text(json.dumps(content, allow_nan=True), "utf8")
    os.replace(temporary, path)


def _points(experiment: Callable[..., dict[str, Any]], grid: dict[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the grid's values, {name: plain value}, or one ValueError."""
    if not callable(experiment):
        raise ValueError(f"experiment is {brief(experiment)}; pass a function of the grid's names.")
    if not grid:
        raise ValueError("the grid is empty; name what varies, e.g. seed=range(10).")
    lists = {}
    for name, values in grid.items():
        if isinstance(values, (str, bytes, dict)) or not hasattr(values, "__iter__"):
            raise ValueError(
                f"{name} is {brief(values)}; give a list of values, e.g. {name}=[{brief(values)}]."
            )
        lists[name] = [_plain(value, f"{name}") for value in values]
        if not lists[name]:
            raise ValueError(f"{name} has no values, so there is nothing to run.")
    try:
        inspect.signature(experiment).bind(**dict.fromkeys(grid))
    except TypeError as error:
        raise ValueError(
            f"the experiment does not take the grid's names {', '.join(grid)}: {error}."
        ) from None
    points = [dict(zip(lists, values, strict=True)) for values in product(*lists.values())]
    keys = [_key(point) for point in points]
    if len(set(keys)) < len(keys):
        twice = next(point for point, key in zip(points, keys, strict=True) if keys.count(key) > 1)
        raise ValueError(f"the grid holds {brief(twice)} twice; list every value once.")
    return points


def _plain(value: Any, what: str) -> Any:
    """A value as JSON knows it, NumPy's numbers and arrays included; ValueError for anything else."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(item, what) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, what) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise ValueError(
        f"{what} holds {brief(value)}; only numbers, strings, None, lists and dicts of them can be kept. "
        "Make objects, such as a pruning method, inside the experiment from their name."
    )


def _key(point: dict[str, Any]) -> str:
    return json.dumps(point, sort_keys=True)


def _code(experiment: Callable[..., dict[str, Any]]) -> str:
    """A fingerprint of the experiment's source, or of its bytecode where there is no source."""
    try:
        source = inspect.getsource(experiment).encode()
    except (OSError, TypeError):
        source = getattr(getattr(experiment, "__code__", None), "co_code", b"")
    return hashlib.sha256(source).hexdigest()[:20]


def _jobs(jobs: int) -> int:
    if isinstance(jobs, bool) or not isinstance(jobs, int) or (jobs < 1 and jobs != -1):
        raise ValueError(f"jobs is {brief(jobs)}; it must be a whole number >= 1, or -1 for one per core.")
    return jobs
