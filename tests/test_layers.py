"""The rooms of the house: what may import what, and what a bare `import ltcbook` may load."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest

from ltcbook import validation

# room -> the rooms below it that it may import; a room may always import itself
ROOMS = {
    "__init__": set(),  # it names all rooms, for a type checker; what it loads, the tests below say
    "typing": set(),
    "validation": set(),
    "ops": set(),
    "check": set(),
    "wiring": {"validation"},
    "dynamics": {"validation", "ops", "wiring"},
    "solvers": {"validation", "ops", "dynamics"},
    "kernels": {"validation", "solvers"},
    "backends": {"validation", "ops", "dynamics", "solvers", "kernels"},
    "simulate": {"validation", "ops", "dynamics", "solvers", "backends"},
    "analysis": {"validation", "ops", "dynamics", "simulate", "wiring"},
    "symbolic": {"validation", "ops", "wiring", "dynamics"},
    "pruning": {"validation", "wiring", "dynamics"},
    "tasks": {"validation", "wiring", "dynamics"},
    "models": {"validation", "ops", "wiring", "dynamics", "solvers", "kernels", "backends", "pruning"},
    "train": {"validation", "models", "tasks", "pruning", "analysis", "dynamics"},
    "plots": {"validation", "wiring", "dynamics", "analysis", "tasks"},
    "widgets": {
        "validation",
        "ops",
        "wiring",
        "dynamics",
        "solvers",
        "simulate",
        "analysis",
        "pruning",
        "plots",
        "tasks",
    },
    # the stored tables
    "reproduce": {
        "validation",
        "wiring",
        "dynamics",
        "simulate",
        "analysis",
        "tasks",
        "pruning",
        "models",
        "train",
    },
    "course": {"check", "site"},
    # the scripts of the explorers, for the pages; the book's colours, for their cards; the answer boxes' words
    "site": {"widgets", "plots", "check"},
    "__main__": set(),  # it says what is here, and loads none of it
}
# third-party package -> the rooms that may import it when they are loaded
GUESTS = {
    "torch": {"models", "train", "kernels", "reproduce"},
    "numba": {"kernels"},
    "triton": {"kernels"},
    "sympy": {"symbolic"},
    "matplotlib": {"plots", "widgets"},  # widgets: only the file that draws the fallback, see the last test
    "anywidget": {"widgets"},
    "ipywidgets": {"widgets"},
    "traitlets": {"widgets"},
    "IPython": {"widgets", "plots"},
    "sphinx": {"site"},
    "docutils": {"site"},
    "scipy": {"simulate", "analysis", "wiring"},
    "networkx": {"wiring", "plots"},
    "ncps": set(),
}


def sources(root):
    """(room, path) of every Python file of the package."""
    package = root / "ltcbook"
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).parts[0].removesuffix(".py"), path


def imports(path, *, everywhere):
    """Dotted names that a file imports: everywhere in it, or only while it is loaded."""
    tree = ast.parse(path.read_text("utf8"))
    for node in ast.walk(tree) if everywhere else at_load(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = "ltcbook" if node.level else node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def at_load(tree):
    """Nodes that run when a module is loaded: all but the bodies of functions, and what only a type checker
    reads.
    """
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not for_checkers(
            node
        ):
            yield node
            yield from at_load(node)


def for_checkers(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def test_every_room_stands_in_the_table(root):
    unknown = {room for room, _ in sources(root)} - set(ROOMS)
    assert not unknown, f"rooms that the table of layers does not name: {sorted(unknown)}"


def test_lower_rooms_never_import_higher_ones(root):
    wrong = []
    for room, path in sources(root):
        for name in imports(path, everywhere=room != "__init__"):
            parts = name.split(".")
            below = ROOMS[room] | {room, "__init__", "typing"}
            if parts[0] == "ltcbook" and len(parts) > 1 and parts[1] in set(ROOMS) - below:
                wrong.append(f"{path.relative_to(root)} imports {name}")
    assert not wrong, "\n".join(wrong)


def test_third_party_packages_are_loaded_only_in_their_rooms(root):
    wrong = []
    for room, path in sources(root):
        for name in imports(path, everywhere=False):
            guest = name.split(".")[0]
            if guest in GUESTS and room not in GUESTS[guest]:
                wrong.append(f"{path.relative_to(root)} imports {name} when it is loaded")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("guest", ["torch", "sympy", "matplotlib"])
def test_import_ltcbook_is_light(root, guest):
    code = f"import ltcbook, sys; sys.exit({guest!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0, (
        f"import ltcbook loads {guest}"
    )


def test_the_computing_rooms_load_neither_torch_nor_sympy_nor_matplotlib(root):
    rooms = ["ops", "wiring", "dynamics", "simulate", "analysis", "pruning"]
    code = "import sys\n" + "\n".join(f"import ltcbook.{room}" for room in rooms)
    code += "\nprint([guest for guest in ('torch', 'sympy', 'matplotlib') if guest in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, encoding="utf8")
    assert answer.stdout.strip() == "[]", answer.stdout + answer.stderr


def test_the_explorers_load_matplotlib_only_when_they_draw_their_fallback(root):
    code = "import sys, ltcbook.widgets; sys.exit('matplotlib' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=root).returncode == 0


def test_importing_prints_nothing(root):
    answer = subprocess.run(
        [sys.executable, "-c", "import ltcbook"], cwd=root, capture_output=True, encoding="utf8"
    )
    assert (answer.stdout, answer.stderr) == ("", "")


@pytest.mark.parametrize(
    "room, package, name",
    [
        ("models", "torch", "torch"),
        ("models.ltc", "torch", "torch"),
        ("train", "torch", "torch"),
        ("kernels.parallel", "torch", "torch"),
        ("kernels.autograd", "torch", "torch"),
        ("symbolic", "sympy", "symbolic"),
        ("plots", "matplotlib", "plots"),
        ("widgets", "anywidget", "widgets"),
    ],
)
def test_a_room_without_its_package_names_the_extra_to_install(root, room, package, name):
    extras = tomllib.loads((root / "pyproject.toml").read_text("utf8"))["project"]["optional-dependencies"]
    assert any(line.startswith(package) for line in extras[name])
    code = f"import sys; sys.modules[{package!r}] = None\ntry: import ltcbook.{room}\nexcept ImportError as error: print(error)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, encoding="utf8")
    room = room.removesuffix(".ltc")
    assert (
        answer.stdout == f'ltcbook.{room} needs {package}, which is missing: pip install "ltcbook[{name}]"\n'
    ), answer.stderr


def test_a_package_that_is_there_but_broken_speaks_for_itself(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import a_library_of_its_own", "utf8")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="a_library_of_its_own"):
        validation.extra("torch", "half_installed", "models")


def test_a_room_answers_to_its_old_name_for_one_release(root):
    import ltcbook

    with pytest.warns(DeprecationWarning, match="ltcbook.boundary is now ltcbook.validation"):
        assert ltcbook.boundary is validation


def test_the_map_names_every_room_from_the_ground_up(root):
    text = (root / "ARCHITECTURE.md").read_text("utf8").partition("## One formula")[0]
    lines = re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE)
    rooms = [name for line in lines for name in re.findall(r"`(\w+)`", line)]
    assert sorted(rooms) == sorted(set(ROOMS) - {"__init__", "__main__"})
    place = {room: k for k, line in enumerate(lines) for room in re.findall(r"`(\w+)`", line)}
    wrong = [(room, other) for room in rooms for other in ROOMS[room] if place[other] > place[room]]
    assert not wrong, f"the map shows a room above one that it uses: {wrong}"


def test_the_ways_of_a_call_name_files_and_functions_that_exist(root):
    text = (root / "ARCHITECTURE.md").read_text("utf8")
    files = re.findall(r"\b((?:\w+/)+\w+\.py)\b", text)
    assert len(files) > 10
    package = root / "ltcbook"
    assert not [name for name in files if not (package / name).is_file() and not (root / name).is_file()]
    for name, symbol in re.findall(r"^(\w+/\w+\.py) +(?:\w+\.)?(\w+) ", text, re.MULTILINE):
        assert re.search(rf"\b(def|class) {symbol}\b", (package / name).read_text("utf8")), (name, symbol)
