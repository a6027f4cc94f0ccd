"""ES modules joined into what a reader's browser loads, by Python alone: no Node where an explorer only runs.

The drawings are modules in ``static``, what they share lies in ``static/core``. Three things are made of
them: one self-contained module for a notebook, and for the pages one shared script and one script per
drawing, both classic, since a browser loads no module from a folder. A module may say ``import { a, b } from
"./file.js"`` and ``export`` before a function, a class or a const; anything else is refused, as is a name
that two modules of one script would share. The string ``"text of ./file.js"`` becomes the text of that module
and of all that it needs: the script of a worker.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

STATIC = Path(__file__).parent / "static"
IMPORT = re.compile(r'^import\s*\{\s*((?:\w+\s*,\s*)*\w*)\s*\}\s*from\s*"(\.{1,2}/[\w./-]+\.js)";\n?', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.M)
NAME = re.compile(
    r"^(export )?(?:async )?(?:function\*?|class|const|let|var)\s+(?:(\w+)|\{([^}]*)\}|\[([^\]]*)\])", re.M
)
TEXT = re.compile(r'"text of (\.{1,2}/[\w./-]+\.js)"')
COMMENT = re.compile(r"^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.M | re.S)
QUEUE = "ltcbookExplorers"  # the one global name: where a drawing waits for the shared script, or meets it


class Module:
    """One file: ``text`` without its imports and exports, what it ``imports``, and the names at its top
    level.
    """

    def __init__(self, path: Path) -> None:
        self.path, source = path, path.read_text(encoding="utf-8")
        if "</script" in source or "<!--" in source:
            raise ValueError(
                f"{path.name} holds '</script' or '<!--', which would end the page's script element."
            )
        self.imports = [
            ((path.parent / address).resolve(), {name for name in re.split(r"[\s,]+", names) if name})
            for names, address in IMPORT.findall(source)
        ]
        self.text = EXPORT.sub("", IMPORT.sub("", source)).strip() + "\n"
        if left := re.search(r"^(?:import|export)\b.*", self.text, re.M):
            raise ValueError(
                f'{path.name} says "{left[0]}": write import {{ a, b }} from "./file.js", and export before '
                "a function, a class or a const."
            )
        self.text = TEXT.sub(lambda found: worker_text(path.parent / found[1]), self.text)
        self.names: set[str] = set()
        self.exports: set[str] = set()
        for exported, name, fields, items in NAME.findall(source):
            found = given(name, fields, items)
            if twice := found & self.names:
                raise ValueError(f"{path.name} gives the name {', '.join(sorted(twice))} twice.")
            self.names |= found
            self.exports |= found if exported else set()


@cache
def modules(*roots: Path) -> tuple[Module, ...]:
    """The modules at these paths and all that they need, each after what it imports; ValueError for a
    circle or a missing name.
    """
    order: dict[Path, Module] = {}
    open_: list[Path] = []

    def visit(path: Path) -> None:
        if path in order:
            return
        if path in open_:
            circle = [step.name for step in [*open_[open_.index(path) :], path]]
            raise ValueError(f"modules import each other in a circle: {' -> '.join(circle)}.")
        open_.append(path)
        module = Module(path)
        for other, names in module.imports:
            visit(other)
            if missing := names - order[other].exports:
                raise ValueError(
                    f"{path.name} imports {', '.join(sorted(missing))}, which {other.name} does not export."
                )
        order[path] = module
        open_.pop()

    for root in roots:
        visit(root.resolve())
    return tuple(order.values())


def joined(parts: Iterable[Module]) -> str:
    """The text of modules one after the other; ValueError where two give the same name."""
    owner: dict[str, Module] = {}
    for module in parts:
        for name in module.names:
            if name in owner:
                raise ValueError(
                    f"{module.path.name} and {owner[name].path.name} both give the name {name}: they become "
                    "one script, so rename one of the two."
                )
            owner[name] = module
    return "\n".join(f"// {module.path.name}\n{module.text}" for module in parts)


def worker_text(path: Path) -> str:
    """What a module exports, with all that it needs and nothing else, as a string of JavaScript without
    comments.
    """
    parts = modules(path.resolve())
    text = COMMENT.sub("", joined(parts))
    found = list(NAME.finditer(text))
    starts = [*(match.start() for match in found), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(starts)]
    names = [given(*match.groups()[1:]) for match in found]
    owner = {name: piece for piece, some in zip(pieces, names, strict=True) for name in some}
    needed, open_ = set(), [owner[name] for name in parts[-1].exports]
    while open_:
        if (piece := open_.pop()) not in needed:
            needed.add(piece)
            open_ += [owner[word] for word in re.findall(r"\w+", piece) if word in owner]
    return json.dumps("".join(piece for piece in pieces if piece in needed))


def given(name: str, fields: str, items: str) -> set[str]:
    """The names that a statement gives, from what ``NAME`` found in it."""
    return (
        {name}
        if name
        else {part.split(":")[-1].split("=")[0].strip() for part in (fields or items).split(",")}
    )


def is_shared(module: Module) -> bool:
    """Whether a module belongs to all drawings."""
    return module.path.parent.name == "core"


@cache
def notebook_module(drawing: str) -> str:
    """One self-contained ES module with a drawing and all that it needs, for a widget in a notebook."""
    return (
        joined(modules(STATIC / "core" / "view.js", STATIC / drawing))
        + "\nexport default explorer(drawing);\n"
    )


@cache
def shared_script() -> str:
    """The classic script that all drawings of a page share."""
    parts = modules(*sorted((STATIC / "core").glob("*.js")))
    names = ", ".join(sorted(set().union(*(module.exports for module in parts))))
    return (
        f'(() => {{\n"use strict";\nif (globalThis.{QUEUE} && !Array.isArray(globalThis.{QUEUE})) return;\n'
        f'{joined(parts)}\nserve({{ {names} }}, "{QUEUE}");\n}})();\n'
    )


@cache
def drawing_script(drawing: str) -> str:
    """The classic script of one drawing: it draws as soon as the shared script is there, before or after
    it.
    """
    parts = modules(STATIC / drawing)
    own = [module for module in parts if not is_shared(module)]
    joined(parts)  # a name that a drawing shares with the core is refused here too
    used = sorted(
        set().union(
            *(names for module in own for path, names in module.imports if path.parent.name == "core")
        )
    )
    return (
        f'(globalThis.{QUEUE} ??= []).push(["{Path(drawing).stem}", (shared) => {{\n"use strict";\n'
        f"const {{ {', '.join(used)} }} = shared;\n{joined(own)}return drawing;\n}}]);\n"
    )


@cache
def stylesheet() -> str:
    """The style sheet that all explorers share."""
    return (STATIC / "explorer.css").read_text(encoding="utf-8")


@cache
def heights() -> dict[str, list[list[float]]]:
    """Explorer -> [[width of its place, its height there], ...] in pixels, measured by `python
    tests/heights.py`.
    """
    return json.loads((STATIC / "heights.json").read_text(encoding="utf-8"))


def reserved(name: str) -> str:
    """Style rules that keep an explorer's height free while its picture waits, so that nothing jumps when
    it wakes.
    """
    rules, known = [], heights().get(name, [])
    for (w, h), (wider, there) in zip(known, known[1:], strict=False):
        slope = (there - h) / (wider - w)
        height = f"calc({h - slope * w:.0f}px + {100 * slope:.2f}cqi)"
        rules.append(
            f'@container (min-width: {w}px) {{ [data-waiting][data-room="{name}"] .ltc-fallback {{ height: '
            f"{height}; }} }}"
        )
    return f"@media (scripting: enabled) {{ {' '.join(rules)} }}" if rules else ""


def drawings() -> list[str]:
    """The file names of all drawings, those modules that export one."""
    return sorted(path.name for path in STATIC.glob("*.js") if "drawing" in Module(path).exports)


def page_files() -> dict[str, str]:
    """Name -> text of every file that the pages load."""
    return {
        "shared.js": shared_script(),
        "explorer.css": stylesheet(),
        **{name: drawing_script(name) for name in drawings()},
    }


def version(text: str) -> str:
    """A few letters that change with the text, so that a browser never keeps an old file."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
