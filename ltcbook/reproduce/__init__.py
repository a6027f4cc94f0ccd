"""The stored tables of the book, each made again by one command: ``python -m ltcbook.reproduce NAME``.

What takes longer than a page should is computed once and stored in ``ltcbook/data``. Each such table is the
work of one study, a module of this room with

- ``FILE``, the name of its table;
- ``make(sample=False, progress=False)``, which computes the table as a dictionary; with sample=True a part of
  it, in less than a minute: the same keys, some of them left out;
- ``TOLERANCE``, how far a number of the sample may lie from the stored one, relative to it (at least 1e-12
  wide).

The room stands on top of the house: nothing imports it.
"""

import json
from importlib import import_module
from importlib.resources import files
from numbers import Real

from ..validation import choice

STUDIES = (
    "driver",
    "driver_seeds",
    "liquid",
    "training",
    "cfc",
    "convergence",
    "wirings",
    "pruning",
    "areas",
)


def study(name):
    """The module of a study. Raises ValueError for a name that there is not."""
    return import_module(f"{__name__}.{choice('the study', name, STUDIES)}")


def stored(name):
    """The stored table of a study, a dictionary. Raises ValueError for a name that there is not."""
    return json.loads((files("ltcbook") / "data" / study(name).FILE).read_text("utf8"))


def differences(sample, table, tolerance, where="the table"):
    """Where a sample does not agree with the stored table, one sentence each.

    Every key of the sample must stand in the table; lists must be as long; numbers agree to ``tolerance``
    times the stored one; everything else must be the same.
    """
    if isinstance(sample, dict) and isinstance(table, dict):
        missing = [f"{where} has no {key!r}." for key in sample if key not in table]
        return missing + [
            line
            for key in sample
            if key in table
            for line in differences(sample[key], table[key], tolerance, f"{where}[{key!r}]")
        ]
    if isinstance(sample, list) and isinstance(table, list) and len(sample) == len(table):
        return [
            line
            for i, (new, old) in enumerate(zip(sample, table, strict=True))
            for line in differences(new, old, tolerance, f"{where}[{i}]")
        ]
    numbers = isinstance(sample, Real) and isinstance(table, Real)
    same = abs(sample - table) <= tolerance * abs(table) + 1e-12 if numbers else sample == table
    return [] if same else [f"{where} is {table!r}; it came out as {sample!r}."]


def written(table, path):
    """Write a table as JSON, every row of a matrix on a line of its own, so that a change can be read."""
    path.write_text(_lines(table) + "\n", "utf8")


def _lines(value, depth=0):
    pad = "\n" + " " * (depth + 1)
    if isinstance(value, dict) and value:
        inner = (f"{json.dumps(key)}: {_lines(item, depth + 1)}" for key, item in value.items())
        return "{" + pad + ("," + pad).join(inner) + pad[:-1] + "}"
    if isinstance(value, list) and any(isinstance(item, (list, dict)) for item in value):
        return "[" + pad + ("," + pad).join(_lines(item, depth + 1) for item in value) + pad[:-1] + "]"
    return json.dumps(value, ensure_ascii=False)
