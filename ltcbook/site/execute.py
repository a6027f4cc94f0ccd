"""Run the chapters that have changed, several side by side, each on one core; the pages then take what is
kept.

The notebooks and their outputs lie in Jupyter's cache, where the rendering looks for them. A chapter that
fails is not kept: the rendering runs it once more and says what went wrong.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from sphinx_external_toc.parsing import parse_toc_yaml

from ltcbook.site import address, setup_cell

MOST = 8  # side by side; each kernel with torch holds half a gigabyte


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def complains(book):
    """Whether a chapter said something on stderr while it ran: such a page is not published."""
    outputs = (output for cell in book.cells for output in cell.get("outputs", []))
    return any(output.get("name") == "stderr" for output in outputs)


def run(root, cache_folder):
    """Run every chapter of the book in ``root`` that the cache does not hold, keep it there, and say so.

    The kernels have the environment of this process.
    """
    settings = yaml.safe_load((root / "_config.yml").read_text("utf8"))["execute"]
    paths = [root / f"{name}.ipynb" for name in parse_toc_yaml(root / "_toc.yml")]
    cache = get_cache(cache_folder)
    stale = {}
    for path in filter(Path.is_file, paths):
        book = setup_cell.read_for_the_page(path.read_text("utf8"))
        try:
            kept = cache.get_cache_bundle(cache.match_cache_notebook(book).pk)
        except KeyError:
            stale[path] = book
        else:
            if complains(kept.nb):  # it may have been the kernel's own trouble
                stale[path] = book
    # the longest first, so that no core waits at the end
    order = sorted(stale, key=lambda path: sum(len(c.source) for c in stale[path].cells), reverse=True)
    options = {"timeout": settings["timeout"], "allow_errors": settings["allow_errors"]}
    with ThreadPoolExecutor(min(MOST, cores())) as pool:
        runs = {
            pool.submit(single_nb_execution, stale[path], str(path.parent), **options): path for path in order
        }
        for done in as_completed(runs):
            path, result = runs[done], done.result()
            if result.err is None:
                kept = CacheBundleIn(result.nb, str(path), data={"execution_seconds": result.time})
                cache.cache_notebook_bundle(kept, check_validity=False, overwrite=True)
                print(f"{path.relative_to(root)}: ran in {result.time:.0f} seconds", flush=True)


if __name__ == "__main__":
    run(address.ROOT, sys.argv[1])
