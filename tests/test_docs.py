"""The package's words: docstrings that say shapes, units, errors and sources, examples that run, an API
page and a README that leave nothing out and invent nothing.
"""

import ast
import doctest
import importlib
import inspect
import re
import textwrap
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import ltcbook

# the room that knows Sphinx: no reader calls it, and each of its files imports a tool of the build
SKIPPED = {"site"}
OPTIONAL = {
    "torch",
    "triton",
    "nbformat",  # of the tools for courses: it comes with the book's own packages
    "sympy",
    "matplotlib",
    "anywidget",
    "ipywidgets",
    "traitlets",
    "tqdm",
    "sklearn",
    "torchdiffeq",
    "ale_py",
}

# --- what there is
# ---------------------------------------------------------------------------------------------------


class Item:
    """One public function, class, method or property."""

    def __init__(self, name, thing, owner=None):
        self.name, self.thing, self.owner = name, thing, owner

    def __repr__(self):
        return self.name

    @cached_property
    def doc(self):
        """Its docstring, or the one it inherits from what it overrides."""
        inherited = getattr(self.owner, self.name.rpartition(".")[2]) if self.owner else self.thing
        return inspect.getdoc(inherited) or ""

    @cached_property
    def words(self):
        """What a reader of its help sees, with what it overrides or is derived from: nothing need be said
        twice.
        """
        name = self.name.rpartition(".")[2]
        classes = (
            inspect.getmro(self.owner or self.thing) if self.owner or inspect.isclass(self.thing) else ()
        )
        ours = [c for c in classes if c.__module__.startswith("ltcbook")]
        above = [vars(c).get(name) for c in ours] if self.owner else ours
        return "\n".join([self.doc, *(part.__doc__ or "" for part in above if part is not None)])

    @cached_property
    def functions(self):
        """The functions that run when it is called."""
        thing = self.thing
        if inspect.isclass(thing):
            return [
                f
                for f in (vars(thing).get("__init__"), vars(thing).get("__post_init__"))
                if inspect.isfunction(f)
            ]
        thing = (
            getattr(thing, "fget", None) or getattr(thing, "func", None) or getattr(thing, "__func__", thing)
        )
        return [inspect.unwrap(thing)]

    @cached_property
    def arrays(self):
        """Names of its parameters that are arrays, as their annotations say."""
        signatures = [inspect.signature(f).parameters.values() for f in self.functions]
        return {p.name for parameters in signatures for p in parameters if is_array(p.annotation)}

    @cached_property
    def parameters(self):
        """Names of its parameters."""
        return {name for f in self.functions for name in inspect.signature(f).parameters} - {"self", "cls"}


def modules():
    """Every module of the package that a reader may import; one whose optional package is missing is left
    out.
    """
    home = Path(ltcbook.__file__).parent  # the one that is installed, where that is another
    for path in sorted(home.rglob("*.py")):
        parts = path.relative_to(home.parent).with_suffix("").parts
        if parts[1] in SKIPPED:
            continue
        try:
            yield importlib.import_module(".".join(part for part in parts if part != "__init__"))
        except ImportError as error:  # or the one that names the extra, with this one as its cause
            missing = error if isinstance(error, ModuleNotFoundError) else error.__cause__
            if not missing or missing.name.partition(".")[0] not in OPTIONAL:
                raise


def is_member(value):
    return inspect.isfunction(value) or isinstance(
        value, (property, cached_property, classmethod, staticmethod)
    )


def is_own(thing, module):
    """Whether a function or class was written in this module, cached functions included."""
    written = inspect.isclass(thing) or inspect.isfunction(
        inspect.unwrap(thing) if callable(thing) else thing
    )
    return written and thing.__module__ == module.__name__


def inside(module):
    """The public items that a module defines; methods that only carry another library's words on are not
    ours.
    """
    for name, thing in vars(module).items():
        if name.startswith("_") or not is_own(thing, module):
            continue
        full = f"{module.__name__.removeprefix('ltcbook.')}.{name}"
        yield Item(full, thing)
        if inspect.isclass(thing):
            for member, value in vars(thing).items():
                item = Item(f"{full}.{member}", value, thing)
                if (
                    not member.startswith("_")
                    and is_member(value)
                    and item.functions[0].__module__ == module.__name__
                ):
                    yield item


@pytest.fixture(scope="session")
def items():
    """Every public item of the package, by its full name."""
    found = [item for module in modules() for item in inside(module)]
    assert len(found) > 200, "the package is larger than that: the search is broken"
    return {item.name: item for item in found}


def public(room):
    """The names that a room offers: its __all__, or all that it defines, without an underscore."""
    names = getattr(room, "__all__", None)
    if names is None:
        names = [item.name.partition(".")[2] for item in inside(room) if item.owner is None]
    return [name for name in names if not inspect.ismodule(getattr(room, name))]


@pytest.fixture(scope="session")
def offered(items):
    """What readers call: the names that the rooms offer, and the methods of these classes and of those
    above them.
    """
    things = [
        getattr(getattr(ltcbook, room), name)
        for room in example_names().keys() & set(ltcbook.ROOMS)
        for name in public(getattr(ltcbook, room))
    ]
    known = {
        id(part)
        for thing in things
        for part in (inspect.getmro(thing) if inspect.isclass(thing) else (thing,))
    }
    found = {name: item for name, item in items.items() if id(item.owner or item.thing) in known}
    assert len(found) > 120, "the rooms offer more than that: the search is broken"
    return found


def shown(title, lines):
    """Fail with all findings at once."""
    assert not lines, f"{title}:\n  " + "\n  ".join(map(str, lines))


# --- docstrings
# ------------------------------------------------------------------------------------------------------


def test_everything_public_has_a_docstring(items):
    shown("no docstring", [name for name, item in items.items() if not item.doc.strip()])


# as an annotation names it; of a cell it says what is inside, not that it is one
ARRAY = re.compile(r"(?<![\w\[])(Array|ArrayLike|Numbers|Data|np\.ndarray|torch\.Tensor)\b")
CELL = re.compile(r"\b(Cell|LTC|LTC2021|CTRNN|EdgeLTC)\[[\w.]+\]")
SHAPE = re.compile(r"\(\.\.\.(, [^()]+)*\)|\([^()\s]+,\)|\([^(),]+(, [^(),]+)+\)|same shape|any shape")
UNIT = re.compile(
    r"\b(mV|ms|µS|nA|rad|years?|centuries|frames?|points|pixels?|units?)\b|°C|1/s|m/s|\bin (m|s)\b|\) m\b|\[0, 1\]"
)


def is_array(annotation):
    """Whether an annotation names an array."""
    return bool(ARRAY.search(CELL.sub("", str(annotation))))


def is_alt(name):
    """A function that puts a figure into words takes what the figure's own function takes, whose docstring
    says it.
    """
    return name.startswith("plots.") and name.endswith("_alt")


def is_hook(item):
    """A method that an explorer hands to ``Explorer.compute``, which has checked the controls before it
    calls.
    """
    return item.owner is not None and item.name.startswith("widgets.") and "compute" not in vars(item.owner)


def test_what_takes_arrays_states_their_shapes(offered):
    shown(
        "takes arrays, states no shape",
        [
            f"{name}({', '.join(sorted(item.arrays))})"
            for name, item in offered.items()
            if item.arrays and not is_alt(name) and not is_hook(item) and not SHAPE.search(item.words)
        ],
    )


NO_UNIT = {
    "dynamics.cells.start_values": "the unit of the field that it draws",
    "dynamics.cells.affine": "a sum inside a function, in its unit",
    "analysis.lyapunov_value": "its unit is that of P times mV squared: as the caller chooses",
    "analysis.certified_lyapunov": "P is scaled to a largest entry of 1",
    "tasks.lane.rollout.straight_ahead": "gives zeros",
    "tasks.lane.world.running": "an integral, in the unit of what is given",
    "tasks.lane.world.between": "values of a table, in their unit",
}


def test_what_computes_or_gives_arrays_states_their_shape_and_their_unit(items):
    rooms = ("dynamics.", "simulate.", "analysis.", "tasks.")
    found = {
        name: item
        for name, item in items.items()
        if name.startswith(rooms)
        and inspect.isfunction(item.thing)
        and item.owner is None
        and is_array(inspect.signature(item.thing).return_annotation)
    }
    assert len(found) > 40, "there are more: the search is broken"
    shown("no shape of what comes out", [n for n, item in found.items() if not SHAPE.search(item.doc)])
    shown(
        "no unit of what comes out; if it has none, say why in NO_UNIT",
        [n for n, item in found.items() if not UNIT.search(item.doc) and n not in NO_UNIT],
    )
    shown("in NO_UNIT, and not found", sorted(set(NO_UNIT) - set(found)))


def test_whoever_takes_a_time_step_says_its_unit(offered):
    shown(
        "dt without its unit",
        [
            name
            for name, item in offered.items()
            if "dt" in item.parameters
            and not is_alt(name)
            and not re.search(r"\bms\b|milliseconds|See ``Net.traj|in units of", item.words)
        ],
    )


# --- errors: found by following calls
# ----------------------------------------------------------------------------------

SAYS_NOT = {"widgets.threshold.default_network": "its numbers stand in the function, and they are right"}


@cache
def raised(function):
    """Names of the errors that stand in ``raise`` statements of a function."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except OSError:  # written by the dataclass decorator
        return set()
    exceptions = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None)
    return {
        (exc.func if isinstance(exc, ast.Call) else exc).id
        for exc in exceptions
        if isinstance(exc.func if isinstance(exc, ast.Call) else exc, ast.Name)
    }


def code_names(code):
    names = set(code.co_names)
    return names.union(*(code_names(const) for const in code.co_consts if inspect.iscode(const)))


@cache
def called(function):
    """Functions of ltcbook that a function names: its own module's, and those of the rooms it imported."""
    names, known, found = code_names(function.__code__), function.__globals__, []
    for name in names:
        value = known.get(name)
        if inspect.ismodule(value) and value.__name__.startswith("ltcbook"):
            found += [vars(value)[other] for other in names if inspect.isfunction(vars(value).get(other))]
        elif inspect.isfunction(value) and value.__module__.startswith("ltcbook"):
            found.append(value)
    return found


def errors(function, seen):
    """Errors that a function raises itself or through what it calls."""
    function = inspect.unwrap(function)
    if function in seen:
        return set()
    seen.add(function)
    return raised(function).union(*(errors(other, seen) for other in called(function)))


def test_what_raises_says_so(offered):
    silent = []
    for name, item in offered.items():
        found = set().union(*(errors(f, set()) for f in item.functions)) & {"ValueError", "ImportError"}
        silent += [
            f"{name}: {error}"
            for error in sorted(found)
            if not re.search(rf"\b{error}\b", item.words)
            and name not in SAYS_NOT
            and not is_alt(name)
            and not is_hook(item)
        ]
    shown("raises, and its docstring does not say so", silent)


# --- sources
# -----------------------------------------------------------------------------------------------------------

FROM_PAPERS = [
    "dynamics.cells.LTC",
    "dynamics.cells.LTC2021",
    "dynamics.cells.CTRNN",
    "dynamics.flow.time_constant",
    "dynamics.flow.fused_step",
    "dynamics.flow.exponential_step",
    "dynamics.flow.extrapolated_step",
    "analysis.state_bounds",
    "analysis.time_constant_bounds",
    "analysis.contraction_rate",
    "analysis.certified_lyapunov",
    "analysis.log_norm",
    "analysis.lyapunov_matrix",
    "wiring.makers.ncp",
    "wiring.makers.auto_ncp",
    "wiring.areas.multi_area",
    "wiring.areas.multi_area_ei",
    "wiring.worm.connectome",
    "wiring.worm.tap_withdrawal",
    "models.rnn.RNNet",
    "models.ode.ODENet",
    "models.ctrnn.CTRNNet",
    "models.ltc.LTCNet",
    "models.cfc.CfCNet",
    "models.cfc.CfCNet.from_ltc",
    "models.memory.LSTMMemory",
    "models.gated.GRUNet",
    "models.gated.LSTMNet",
    "models.gated.WithGaps",
    "tasks.signals.ice_core_series",
    "pruning.methods.OneShotMagnitude",
    "pruning.methods.GradualMagnitude",
    "pruning.methods.SET",
    "pruning.methods.RigL",
    "pruning.methods.DeepR",
    "pruning.event.prune_and_rewire",
    "tasks.signals.sine",
    "tasks.signals.digits",
    "tasks.signals.sunspot_series",
    "tasks.decision.delayed_decision",
    "tasks.atari.breakout",
    "tasks.lane.world.expert",
    "tasks.lane.rollout.record",
]


@pytest.mark.parametrize("name", FROM_PAPERS)
def test_what_comes_from_elsewhere_names_its_source(items, name):
    assert re.search(r"\bSources?( of [\w ]+)?: \S", items[name].doc), f"{name} names no source"


def test_a_year_in_a_docstring_belongs_to_a_source(offered):
    """Who cites a paper in passing names it under «Source», where readers look for it."""
    cites = re.compile(r"\bet al\.|& [A-Z]\w+ \(\d{4}\)|\((19|20)\d\d\)")
    shown(
        "cites without «Source:»",
        [name for name, item in offered.items() if cites.search(item.doc) and "Source" not in item.words],
    )


# --- the examples and the page
# -----------------------------------------------------------------------------------------


def test_docstrings_are_valid_restructuredtext(offered):
    """The API page is made from them: a stray star or bar would be a warning there, and a warning stops
    the build.
    """
    core, utils = pytest.importorskip("docutils.core"), pytest.importorskip("docutils.utils")
    bad = []
    for name, item in offered.items():
        complaints = []
        core.publish_doctree(
            inspect.cleandoc(item.thing.__doc__ or ""),
            settings_overrides={
                "report_level": utils.Reporter.WARNING_LEVEL,
                "halt_level": 5,
                "warning_stream": SimpleNamespace(write=complaints.append),
            },
        )
        bad += [f"{name}: {complaint.strip()}" for complaint in complaints]
    shown("not valid reST", bad)


def example_names():
    """What every example may use without importing it, as the API page says."""
    names = {"np": np}
    for name in ltcbook.ROOMS:
        try:
            names[name] = getattr(ltcbook, name)
        # an optional package is missing: examples that need it are not collected either
        except ModuleNotFoundError:
            continue
    if "models" in names:
        names["torch"] = importlib.import_module("torch")
    return names


@pytest.fixture(scope="session")
def examples():
    """Every docstring with examples, ready to run."""
    finder, names = doctest.DocTestFinder(exclude_empty=True), example_names()
    found = [test for module in modules() for test in finder.find(module, globs=names) if test.examples]
    return {test.name.removeprefix("ltcbook."): test for test in found}


def test_the_examples_in_the_docstrings_run(examples):
    said = []
    for test in examples.values():
        test.globs["rng"] = np.random.default_rng(0)  # anew in each docstring
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
        runner.run(test, out=said.append)
    assert not said, "\n" + "".join(said)


def test_examples_fit_the_page(examples):
    """Longer lines would have to be scrolled."""
    shown(
        "longer than 74 columns",
        [
            f"{name}: {line}"
            for name, test in examples.items()
            for example in test.examples
            for line in example.source.splitlines()
            if len(line) > 74
        ],
    )


def test_every_room_shows_an_example(examples):
    rooms = {name.partition(".")[0] for name in examples}
    missing = set(ltcbook.ROOMS) & set(example_names()) - rooms
    assert not missing, f"no example in {sorted(missing)}"


# --- the API page
# ------------------------------------------------------------------------------------------------------

DIRECTIVE = re.compile(r"^\.\. auto(function|class|data):: ltcbook\.([\w.]+)$", re.MULTILINE)


@pytest.fixture(scope="session")
def page(root):
    """The source of the API page."""
    return (root / "chapters" / "api.md").read_text("utf8")


def resolved(name):
    """What a dotted name of the package stands for."""
    thing = ltcbook
    for part in name.split("."):
        thing = (
            getattr(thing, part)
            if hasattr(thing, part)
            else importlib.import_module(f"{thing.__name__}.{part}")
        )
    return thing


def test_the_api_page_documents_everything_that_the_rooms_offer_once(page):
    documented = [name for _, name in DIRECTIVE.findall(page)]
    assert len(set(documented)) == len(documented), "documented twice"
    things = [id(resolved(name)) for name in documented]
    assert len(set(things)) == len(things), "one thing under two names"
    offered = {
        f"{room}.{name}"
        for room in ltcbook.ROOMS
        for name in public(getattr(ltcbook, room))
        if callable(getattr(getattr(ltcbook, room), name))
    }
    entry = '<a id="api-{}"></a>, an empty line, then ```{{eval-rst}} with .. autofunction:: (or autoclass::) ltcbook.{}'
    shown(
        "not on the API page: give each an entry in its room's section of chapters/api.md",
        [
            entry.format(re.sub(r"[._]", "-", name.lower()), name)
            for name in sorted(offered - set(documented))
        ],
    )


def test_every_entry_of_the_api_page_has_the_anchor_of_its_name(page):
    entries = re.findall(
        r'<a id="([^"]+)"></a>\n\n```\{eval-rst\}\n\.\. auto(?:function|class):: ltcbook\.([\w.]+)\n', page
    )
    wanted = [(re.sub(r"[._]", "-", f"api.{name}".lower()), name) for _, name in entries]
    shown(
        "anchor and name differ",
        [
            f"{name}: {anchor}"
            for (anchor, name), (right, _) in zip(entries, wanted, strict=True)
            if anchor not in (right, f"{right}-class")
        ],
    )
    assert len(entries) == len(DIRECTIVE.findall(page)), "an entry without its anchor"


def test_every_room_has_its_section_with_one_sentence_and_a_chapter(page):
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    titles = [section.partition("\n")[0].strip("`") for section in sections]
    assert sorted(titles) == sorted(ltcbook.ROOMS)
    shown(
        "no chapter named",
        [
            section.partition("\n")[0]
            for section in sections
            if not re.search(r"\]\(\w+\.ipynb\)", section.partition("```")[0])
        ],
    )


# --- the table in the README
# -------------------------------------------------------------------------------------------

ROW = re.compile(r"^\| (?P<there>[^|]+) \| (?P<here>[^|]+) \| (?P<held>`[^`|]+`) \|$", re.MULTILINE)


@pytest.fixture(scope="session")
def table(root):
    """The rows (there, here, held by) of the README's table."""
    text = (root / "README.md").read_text("utf8").partition("## What every system")[2].partition("\n## ")[0]
    rows = [match.group("there", "here", "held") for match in ROW.finditer(text)]
    assert len(rows) == text.count("\n| ") - text.count("\n|---"), "a row that is none"
    return rows


def test_every_test_in_the_readme_exists(table, root):
    tests = {
        f"tests/{path.name}::{name}"
        for path in (root / "tests").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf8"), re.MULTILINE)
    }
    pages = {f"chapters/{path.name}" for path in (root / "chapters").glob("*.ipynb")}
    shown(
        "named in the README, and not there",
        [f"{there}: {held}" for there, _, held in table if held.strip("`") not in tests | pages],
    )


def test_every_name_in_the_readme_resolves(table):
    """`room.name`; a name without a room is an expression, for instance `net.w()`."""
    names = [name for _, here, _ in table for name in re.findall(r"`([a-z]\w*\.[\w.]+)`", here)]
    assert len(names) > 40
    for name in names:
        assert resolved(name) is not None, name


def test_every_section_of_the_reference_systems_is_in_the_readme(root):
    text = (root / "README.md").read_text("utf8")
    shown(
        "no such part of the table",
        [letter for letter in "ABCD" if not re.search(rf"^\*\*{letter}\. ", text, re.MULTILINE)],
    )
