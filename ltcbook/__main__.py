"""``python -m ltcbook``: what is here, and what one can do with it."""

import json
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from textwrap import TextWrapper

import ltcbook

HERE = Path(__file__).resolve().parent
PARTS = {  # optional part, as in `pip install "ltcbook[torch]"` -> what it brings
    "torch": "torch",
    "symbolic": "sympy",
    "plots": "matplotlib",
    "widgets": "anywidget",
    "fast": "numba",
    "ode": "torchdiffeq",
    "tasks": "scikit-learn",
    "sweep": "joblib",
    "atari": "ale-py",
}
MODULES = {"scikit-learn": "sklearn", "ale-py": "ale_py"}  # where the module has another name
COMMANDS = (  # the file that has to be there, what to type, what it does
    (
        "ltcbook/site/__main__.py",
        "python -m ltcbook.site build",
        "render the book (serve, publish, ...: --help)",
    ),
    ("ltcbook/course/__main__.py", "python -m ltcbook.course --help", "make a course out of chapters"),
    (
        "ltcbook/reproduce/__main__.py",
        "python -m ltcbook.reproduce --help",
        "make a stored table of the book anew",
    ),
    ("benchmarks/__main__.py", "python -m benchmarks --help", "time the networks beside their peers"),
)


def parts() -> list[str]:
    """One line for the optional parts that are there, and one for those that are missing."""
    there = [part for part, name in PARTS.items() if find_spec(MODULES.get(name, name))]
    named = [f"{part} ({PARTS[part]} {metadata.version(PARTS[part])})" for part in there]
    lines = [f"optional parts: {', '.join(named) or 'none'}"]
    missing = [part for part in PARTS if part not in there]
    return [*lines, f'not there: pip install "ltcbook[{",".join(missing)}]"'] if missing else lines


def reading() -> str:
    """Where the book can be read: its pages, its chapters, or the address that it was installed from."""
    pages, chapters = HERE.parent / "_build" / "html" / "index.html", HERE.parent / "chapters"
    if pages.is_file():
        return str(pages)
    if (chapters / "index.ipynb").is_file():
        return f"{chapters} (notebooks)"
    for found in metadata.distributions(name="ltcbook", path=[str(HERE.parent)]):
        address = json.loads(found.read_text("direct_url.json") or "{}").get("url", "")
        if address.startswith("https://"):
            return address
    return "help(ltcbook), and help() of each of its rooms"


def words() -> str:
    """The whole answer, a dozen lines."""
    there = [(typed, does) for file, typed, does in COMMANDS if (HERE.parent / file).is_file()]
    lines = [
        f"ltcbook {ltcbook.__version__} in {HERE}",
        *parts(),
        "",
        *(f"  {typed:<36}{does}" for typed, does in there),
        "",
        f"rooms: {', '.join(ltcbook.ROOMS)}",
        f"to read: {reading()}",
    ]
    fit = TextWrapper(100, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(fit.fill(line) for line in lines)


if __name__ == "__main__":
    print(words())
