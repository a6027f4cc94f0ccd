"""Compiled kernels kept on disk, so that only the first call on a machine waits for the compiler.

numba's own cache looks at the file of one function, not at the functions and constants that this one uses:
change a constant in another file and the old machine code comes back. Here the key is a hash of all sources
that become machine code, of what ``build`` was given, and of the versions, so nothing old can ever be read.
Every signature has a file of its own, written beside its place and moved there whole, with the hash of what
is in it: two processes may write at once, and a file that was cut short or damaged counts as none. Where
nothing can be read or kept (no home, no room, no rights) the kernels are compiled in memory, and so where a
source was written after this process had loaded the package: its text need not be what runs here.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import pickle
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import llvmlite
import numba
from numba.core import compiler, serialize

from . import LOADED

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
COMPILED = ("lanes", "gates", "tables", "tiles", "maps", "sequence", "cache")


def folder() -> Path:
    """Where compiled kernels are kept: numba's NUMBA_CACHE_DIR, or the user's cache folder. RuntimeError:
    a user without one.
    """
    home = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ltcbook-kernels"


@cache
def sources() -> bytes:
    """The text of every file of this room that becomes machine code, one behind the other."""
    return b"\0".join(text(HERE / f"{name}.py") for name in COMPILED)


def text(path: Path) -> bytes:
    """What stands in a file; OSError where it was written after the package was loaded."""
    if path.stat().st_ctime > LOADED:
        raise OSError(f"{path} is newer than what runs here.")
    return path.read_bytes()


def digest(key: object, *uses: Callable) -> str:
    """Hash of sources, versions and constants: the name under which a kernel is kept. uses: functions of
    other files, such as a solver's, that become machine code with it.
    """
    files = [text(Path(inspect.getfile(function))) for function in uses]
    said = repr((key, files, numba.__version__, llvmlite.__version__)).encode()
    return hashlib.sha256(sources() + b"\0" + said).hexdigest()[:32]


def compiled(function: Callable, key: object, *uses: Callable) -> Callable:
    """The function, compiled at its first call or read from the folder; it runs without Python's lock.

    key, uses: as ``digest`` takes them.
    """
    kernel = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        kept = Kept(folder() / digest(key, *uses), function.__name__)
        kernel._cache = kept  # type: ignore[attr-defined]  # numba's own name for it
    except (OSError, RuntimeError, TypeError):  # the sources cannot be read, or the user has no home
        pass  # then every process compiles for itself
    return kernel


class Kept:
    """What numba asks of a cache, answered with one file per signature and processor.

    Whatever goes wrong with a file, numba compiles, and the next write mends it: the cache saves time,
    nothing else.
    """

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name

    @property
    def cache_path(self) -> str:
        """The folder; numba names it in its statistics."""
        return str(self.path)

    def file(self, signature: Any, codegen: Any) -> Path:
        """The file for the machine code of this signature on this kind of processor."""
        said = repr((signature, codegen.magic_tuple())).encode()
        return self.path / f"{self.name}-{hashlib.sha256(said).hexdigest()[:16]}.nbc"

    def load_overload(self, signature: Any, context: Any) -> Any:
        """numba's compile result, or None where no whole one is kept."""
        context.refresh()
        try:
            kept = self.file(signature, context.codegen()).read_bytes()
            if hashlib.sha256(kept[32:]).digest() == kept[:32]:
                return compiler.CompileResult._rebuild(context, *pickle.loads(kept[32:]))
        except Exception:  # none there, unreadable, or numba has changed inside
            pass
        return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compile result where that is possible."""
        new = self.path / f"{uuid4().hex}.new"
        try:
            data = serialize.dumps(result._reduce())
            self.path.mkdir(parents=True, exist_ok=True)
            new.write_bytes(hashlib.sha256(data).digest() + data)
            os.replace(new, self.file(signature, result.codegen))
        except Exception:  # no room, no rights, or numba has changed inside
            try:
                new.unlink(missing_ok=True)
            except OSError:
                pass
