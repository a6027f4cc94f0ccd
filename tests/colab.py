"""The chapters as a reader of Google Colab runs them: `make colab`, or `python tests/colab.py ltc rnn`.

An environment in `_build/colab` holds what Colab's has (`data/colab.txt`), a stand-in for `google.colab`, and
no ltcbook. Each chapter's setup cell installs that, from a repository made of the files that lie here. The
contract: pip leaves every package of Colab as it was, nothing comes but ltcbook and what Colab lacks, no cell
fails, and no line of a warning meets the reader.

The first time downloads some 3 GB, since PyTorch comes with its libraries for GPUs, and compiles NumPy where
no wheel of it fits Colab's Python.
"""

import argparse
import contextlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager, BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as canonical

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ltcbook.site import setup_cell

PINS = ROOT / "tests" / "data" / "colab.txt"
LACKS = {"jedi"}  # what Colab's own packages ask for and it does not have, so pip brings it with ltcbook
ADDRESS = "https://github.com/a-reader/ltcbook"  # git finds the repository that `publish` makes in its place
STAND_IN = {  # of google.colab: it does what anywidget and ltcbook ask of it, in the way of the original
    "__init__.py": "from google.colab import output\n",
    "output/__init__.py": "from ._widgets import enable_custom_widget_manager\nfrom . import _widgets\n",
    "output/_widgets.py": """VIEW = "application/vnd.jupyter.widget-view+json"
_installed_url = None

def enable_custom_widget_manager():
    from IPython import get_ipython

    global _installed_url
    if not _installed_url:
        get_ipython().display_pub.register_hook(name_the_manager)
    _installed_url = "https://example.org/manager.js"

def name_the_manager(message):
    content = message.get("content", {})
    if VIEW in content.get("data", {}):
        url = {"custom_widget_manager": {"url": _installed_url}}
        content.setdefault("metadata", {}).setdefault(VIEW, {})["colab"] = url
    return message
""",
}
# what this machine's own pip says of folders that its settings name; no reader of Colab sees it
OUR_OWN = re.compile(r"^WARNING: Location 'file:.* is ignored:.*\n", re.MULTILINE)


def pins(text=None):
    """Name -> version of what Colab has, and as "python" its version of the language."""
    text = PINS.read_text("utf8") if text is None else text
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    found = {
        canonical(name): version for name, _, version in (line.partition("==") for line in lines if line)
    }
    return found | {"python": re.search(r"^# Python (\d+\.\d+)", text, re.MULTILINE)[1]}


# --- the environment
# ----------------------------------------------------------------------------------------------------


class Environment:
    """A Python with Colab's packages in a folder. ``lent`` names packages that are not installed but shown
    where they lie in the Python that runs this: PyTorch, for one, is too large to be fetched by every test.
    """

    def __init__(self, folder, base=sys.executable, lent=()):
        self.folder, self.base, self.lent = Path(folder).resolve(), base, set(lent)
        self.python = self.folder / "python" / "bin" / "python"

    @property
    def made_of(self):
        """The note that says what a whole environment was made of."""
        return self.folder / "made-of.json"

    @property
    def packages(self):
        """The folder that pip installs into."""
        return next((self.folder / "python" / "lib").glob("python*")) / "site-packages"

    def build(self):
        """Make what is not there yet, or was made of another list."""
        wanted = json.dumps([pins(), self.base, sorted(self.lent), STAND_IN])
        if self.made_of.is_file() and self.made_of.read_text("utf8") == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        subprocess.run([self.base, "-m", "venv", "--without-pip", self.folder / "python"], check=True)
        shown = self.show() if self.lent else set()
        wants = {name: version for name, version in pins().items() if name not in shown | {"python"}}
        listed = self.folder / "requirements.txt"
        listed.write_text("".join(f"{name}=={version}\n" for name, version in wants.items()), "utf8")
        pip = [sys.executable, "-m", "pip", "--python", self.python, "install", "--quiet"]
        subprocess.run([*pip, "--no-deps", "--no-compile", "-r", listed], env=environment(), check=True)
        if "torch" in wants:  # the libraries for GPUs that its build for this machine asks for
            subprocess.run([*pip, f"torch=={wants['torch']}"], env=environment(), check=True)
        for name, text in STAND_IN.items():
            file = self.packages / "google" / "colab" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf8")
        (self.packages / "zz_colab.pth").write_text("import google.colab\n", "utf8")
        kernel = {"argv": [str(self.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
        spec = self.folder / "kernels" / "colab" / "kernel.json"
        spec.parent.mkdir(parents=True)
        spec.write_text(json.dumps(kernel | {"display_name": "Colab", "language": "python"}), "utf8")
        self.made_of.write_text(wanted, "utf8")

    def show(self):
        """Link what is lent, all that this needs and the list lacks, and what lies here in the very version of
        the list. pip sees it, and can neither change it nor remove it. Return the names.
        """
        there = self.folder / "lent"
        there.mkdir()
        asked, shown = list(self.lent), set()
        same = [name for name, version in pins().items() if installed(name) == version]
        while asked:
            name = canonical(asked.pop())
            if name in shown or (name in pins() and name not in self.lent):
                continue
            shown.add(name)
            for line in importlib.metadata.requires(name) or ():
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                    asked.append(needed.name)
        for name in shown | set(same):
            dist = importlib.metadata.distribution(name)
            for top in {file.parts[0] for file in dist.files} - {"..", "__pycache__"}:
                if not (there / top).exists():
                    (there / top).symlink_to(dist.locate_file(top))
        (self.packages / "zz_lent.pth").write_text(f"{there}\n", "utf8")
        return shown | set(same)

    def freeze(self):
        """Name -> what `pip freeze` says of it."""
        said = subprocess.run(
            [self.python, "-m", "pip", "freeze", "--all"],
            env=environment(),
            check=True,
            capture_output=True,
            encoding="utf8",
        ).stdout
        return {canonical(re.split("==| @ ", line)[0]): line for line in said.splitlines()}

    def check(self):
        """What the packages ask for and do not find, a line each."""
        command = [self.python, "-m", "pip", "check"]
        return subprocess.run(
            command, env=environment(), capture_output=True, encoding="utf8"
        ).stdout.splitlines()

    def forget(self):
        """Take out what a setup cell has installed, as if the reader came for the first time."""
        extra = sorted({"ltcbook", *LACKS} & set(self.freeze()))
        if extra:
            command = [self.python, "-m", "pip", "uninstall", "--quiet", "--yes", *extra]
            subprocess.run(command, env=environment(), check=True)

    def kernel(self):
        """A manager for a kernel of this environment."""
        specs = KernelSpecManager(kernel_dirs=[str(self.folder / "kernels")])
        return AsyncKernelManager(kernel_name="colab", kernel_spec_manager=specs)


def installed(name):
    """The version of a package in the Python that runs this, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def environment(repository=None):
    """The variables for a process of the environment: none of this Python's own; where the address leads to a
    repository here, git is told.
    """
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "LTCBOOK", "VIRTUAL_ENV"))}
    more = {
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_CONSTRAINT": os.devnull,
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",  # the kernel's debugger would talk to the terminal
    }
    if repository is not None:
        more |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{Path(repository).as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": ADDRESS,
        }
    return kept | more


def publish(folder):
    """A repository with one commit of the book as it lies here; return the commit."""
    left_out = shutil.ignore_patterns(".*", "_build", "build", "*.egg-info", "__pycache__", "node_modules")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT, folder, ignore=left_out)

    def git(*arguments):
        names = [
            "-c",
            "user.name=a reader",
            "-c",
            "user.email=reader@example.org",
            "-c",
            "commit.gpgsign=false",
        ]
        return subprocess.run(
            ["git", *names, *arguments], cwd=folder, check=True, capture_output=True, encoding="utf8"
        ).stdout.strip()

    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "the book")
    return git("rev-parse", "HEAD")


# --- the contract
# -------------------------------------------------------------------------------------------------------


def broken(before, after):
    """What pip has done that it should not: sentences."""
    changed = [f"{line} became {after.get(name)}" for name, line in before.items() if after.get(name) != line]
    added = set(after) - set(before)
    return (
        changed
        + [f"{after[name]} was installed" for name in sorted(added - LACKS - {"ltcbook"})]
        + [f"{name} was not installed" for name in sorted({"ltcbook"} - added)]
    )


def complaints(book):
    """What the cells of a chapter that ran have written as warnings: sentences."""
    return [
        f"cell {k} warns: {text.strip()}"
        for k, cell in enumerate(book.cells)
        for output in cell.get("outputs", ())
        if output.output_type == "stream" and output.name == "stderr"
        if (text := OUR_OWN.sub("", output.text)).strip()
    ]


@contextlib.contextmanager
def ran(path, colab, repository):
    """A chapter that ran from its setup cell to its end: the chapter with its outputs, what broke the contract,
    and the manager of its kernel, which lives on while the block does.
    """
    colab.build()
    colab.forget()
    before = colab.freeze()
    commit = publish(repository)
    book = nbformat.reads(setup_cell.prepared(path.read_text("utf8"), ADDRESS, commit), as_version=4)
    manager, failed = colab.kernel(), []
    try:
        NotebookClient(book, km=manager, timeout=900).execute(
            cwd=str(path.parent), env=environment(repository)
        )
    except CellExecutionError as error:
        failed = [re.sub(r"\x1b\[[\d;]*m", "", str(error))]
    changed = broken(before, colab.freeze())
    if changed:  # it is Colab's no more
        colab.made_of.unlink()
    try:
        yield book, changed + complaints(book) + failed, manager
    finally:
        run_sync(manager.shutdown_kernel)(now=True)


# --- the explorers
# ------------------------------------------------------------------------------------------------------

SHOW = """
from ltcbook import widgets

for name in widgets.__all__:
    kind = getattr(widgets, name)
    if isinstance(kind, type) and issubclass(kind, widgets.Explorer) and kind is not widgets.Explorer:
        display(kind())
"""


def explorers(manager):
    """Every explorer as a front end meets it: the view that is displayed, its metadata, the state of its model,
    and what of the state Python sends back when a reader moves the first control.
    """
    client = BlockingKernelClient(**manager.get_connection_info(session=True))
    client.start_channels()
    client.wait_for_ready(timeout=60)

    def said(asked):
        """What the kernel says to one message, until it has done with it."""
        heard = []
        while True:
            message = client.get_iopub_msg(timeout=600)
            if message["parent_header"].get("msg_id") == asked:
                if message["content"].get("execution_state") == "idle":
                    return heard
                heard.append((message["msg_type"], message["content"]))

    try:
        shown = said(client.execute(SHOW))
        states = {c["comm_id"]: c["data"]["state"] for kind, c in shown if kind == "comm_open"}
        for kind, content in shown:
            if kind == "error":
                raise AssertionError("\n".join(content["traceback"]))
            if kind == "display_data":
                model = content["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
                state = states[model]
                data = {"method": "update", "state": {"controls": moved(state)}, "buffer_paths": []}
                asked = client.session.msg("comm_msg", {"comm_id": model, "data": data})
                client.shell_channel.send(asked)
                answer = {}
                for reply, told in said(asked["header"]["msg_id"]):
                    if reply == "comm_msg":
                        answer |= told["data"].get("state", {})
                yield content["data"], content["metadata"], state, data["state"] | answer
    finally:
        client.stop_channels()


def unseen(manager):
    """What keeps an explorer from a reader of Colab: sentences."""
    found, view = [], "application/vnd.jupyter.widget-view+json"
    for data, metadata, state, answer in explorers(manager):
        name, told = state["_anywidget_id"], answer.get("frame", {}).get("controls")
        if not metadata.get(view, {}).get("colab", {}).get("custom_widget_manager", {}).get("url"):
            found.append(f"{name} does not name the manager that Colab needs for it")
        if set(data) != {view, "text/plain"}:
            found.append(f"{name} shows {sorted(data)}, among which Colab may choose another than its view")
        if state["_model_module"] != "anywidget" or "export" not in state["_esm"]:
            found.append(f"{name} brings no drawing")
        if told != answer["controls"] or answer.get("error"):
            found.append(f"{name} answers {told} when a reader asks for {answer['controls']}")
    return found


def moved(state):
    """An explorer's controls with the first one elsewhere."""
    knob = state["spec"]["knobs"][0]
    others = [value for value, _ in knob["options"]] or [knob["low"], knob["high"]]
    return state["controls"] | {knob["name"]: next(v for v in others if v != knob["default"])}


def interpreter(version):
    """A Python of that version, from the PATH or pyenv, or None."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    named = [shutil.which(f"python{version}"), *Path.home().glob(f".pyenv/versions/{version}.*/bin/python")]
    for path in map(str, filter(None, named)):  # what pyenv puts on the PATH may be there and refuse
        said = subprocess.run([path, "-c", code], capture_output=True, encoding="utf8").stdout.strip()
        if said == version:
            return path
    return None


def main(arguments=None):
    """Run chapters in Colab's environment, say how each went, and return 1 where one broke the contract."""
    parser = argparse.ArgumentParser(prog="python tests/colab.py", description=__doc__)
    parser.add_argument("chapters", nargs="*", help="such as ltc; all of them, where none is named")
    parser.add_argument("--python", help="an interpreter; else one of Colab's version is looked for")
    options = parser.parse_args(arguments)
    base = options.python or interpreter(pins()["python"])
    if base is None:
        return f"make colab: no Python {pins()['python']} found, which Colab runs; name one with --python"
    colab = Environment(ROOT / "_build" / "colab", base)
    repository = ROOT / "_build" / "colab-repository"
    paths = [ROOT / "chapters" / f"{name}.ipynb" for name in options.chapters]
    paths = paths or sorted((ROOT / "chapters").glob("*.ipynb"))
    wrong = 0
    for path in paths:
        start = time.perf_counter()
        with ran(path, colab, repository) as (_, said, manager):
            if path == paths[-1]:  # the explorers once, in the last kernel
                said = said + unseen(manager)
        wrong += bool(said)
        print(
            f"{path.stem}: {'kept' if not said else 'broken'}, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        for sentence in said:
            print("  " + sentence.replace("\n", "\n  "), flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
