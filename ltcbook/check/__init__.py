"""Checks that teach: they test properties, and their words name the idea behind a mistake, never the value.

`number`, `array`, `true` and `equal` are for those who write exercises: they raise `Wrong`. `ask` is for
those who solve them: it judges sealed answers and raises nothing.
"""

from .ask import Verdicts, ask, pack, unpack
from .compare import array, equal, number, true
from .given import Wrong

__all__ = ["Verdicts", "Wrong", "array", "ask", "equal", "number", "pack", "true", "unpack"]
