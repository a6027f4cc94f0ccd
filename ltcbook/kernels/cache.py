"""Compiled kernels kept on disk, so that only the first call on a machine waits for the compiler.

numba's own cache looks at the file of one function, not at the functions and constants that this one uses:
change a constant in another file and the old machine code comes back. Here the key is a hash of all sources
that become machine code, of what ``build`` was given, and of the versions, so nothing old can ever be read.
"""

import hashlib
import os
from functools import cache
from pathlib import Path

import llvmlite
import numba
from numba.core import caching

HERE = Path(__file__).parent
COMPILED = ("lanes", "gates", "steps", "sequence", "cache")


def folder():
    """Where compiled kernels are kept: numba's NUMBA_CACHE_DIR, or the user's cache folder."""
    home = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "ltcbook-kernels"


@cache
def sources():
    """The text of every file that becomes machine code, one behind the other."""
    return b"\0".join((HERE / f"{name}.py").read_bytes() for name in COMPILED)


def digest(key):
    """Hash of sources, versions and constants: the name under which a kernel is kept."""
    said = repr((key, numba.__version__, llvmlite.__version__)).encode()
    return hashlib.sha256(sources() + b"\0" + said).hexdigest()[:32]


def compiled(function, key):
    """The function, compiled at its first call or read from the folder; it runs without Python's lock."""
    kernel = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        kernel._cache = _Kept(function, digest(key))
    except (AttributeError, TypeError, OSError):  # numba has changed inside, or the folder cannot be written
        pass  # then every process compiles for itself
    return kernel


class _Place:
    """numba's questions about where a cache lies, answered: a folder of its own for every digest."""

    def __init__(self, name):
        self.path = folder() / name
        self.path.mkdir(parents=True, exist_ok=True)

    def get_cache_path(self):
        return str(self.path)

    def ensure_cache_path(self):
        self.path.mkdir(parents=True, exist_ok=True)

    def get_source_stamp(self):
        return self.path.name


class _Kept(caching.FunctionCache):
    def __init__(self, function, name):
        place = _Place(name)
        self._name, self._py_func = function.__name__, function
        self._impl = _Implementation(place, function.__name__)
        self._cache_path = place.get_cache_path()
        stamp = place.get_source_stamp()
        self._cache_file = caching.IndexDataCacheFile(self._cache_path, function.__name__, stamp)
        self.enable()

    def _index_key(self, signature, codegen):
        return signature, codegen.magic_tuple()


class _Implementation(caching.CompileResultCacheImpl):
    def __init__(self, place, name):
        self._locator, self._filename_base = place, name
