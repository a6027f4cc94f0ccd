"""A notebook's file changed in one place: all else stays, letter by letter, however it was written."""

import json
import re
from itertools import count

WHITE = re.compile(r"[ \t\r\n]*")


def load(path):
    """A file's text with its own line ends."""
    return path.read_bytes().decode("utf8")


def replace(path, text):
    """Write a file only where its text differs; return whether it did."""
    if load(path) == text:
        return False
    path.write_bytes(text.encode("utf8"))
    return True


def cells(text):
    """The cells of a notebook's text."""
    return json.loads(text)["cells"]


def put(text, value, *path):
    """A JSON text with another value at a path, written in the text's own indentation."""
    start, end = place(text, path)
    indent = re.match(r"\{\r?\n( +)", text)
    written = json.dumps(value, indent=indent and len(indent[1]), ensure_ascii=False, sort_keys=True)
    newline = "\r\n" if "\r\n" in text else "\n"
    return (
        text[:start] + written.replace("\n", newline + (indent[1] * len(path) if indent else "")) + text[end:]
    )


def put_source(text, k, lines):
    """A notebook's text whose cell k has these lines; its source stays a list or one string, whichever it
    is.
    """
    source = cells(text)[k]["source"]
    if "".join(source) == "".join(lines):
        return text
    return put(text, lines if isinstance(source, list) else "".join(lines), "cells", k, "source")


def insert(text, k, cell):
    """A notebook's text with another cell before cell k."""
    start = place(text, ("cells", k))[0]
    gap = re.search(r"\s*\Z", text[:start])[0]
    return put(f"{text[:start]}{{}},{gap}{text[start:]}", cell, "cells", k)


def remove(text, k):
    """A notebook's text without cell k, which is not its only one."""
    start, end = place(text, ("cells", k))
    if k + 1 < len(cells(text)):
        return text[:start] + text[place(text, ("cells", k + 1))[0] :]
    return text[: place(text, ("cells", k - 1))[1]] + text[end:]


def place(text, path):
    """Where the value at a path of keys and positions begins and ends in a JSON text; KeyError where there
    is none.
    """
    decode, start = json.JSONDecoder().raw_decode, WHITE.match(text).end()
    end = decode(text, start)[1]
    for step in path:
        at = WHITE.match(text, start + 1).end()
        for k in count():
            if text[at] in "]}":
                raise KeyError(step)
            key = k
            if text[start] == "{":
                key, at = decode(text, at)
                at = WHITE.match(text, WHITE.match(text, at).end() + 1).end()
            end = decode(text, at)[1]
            if key == step:
                break
            at = WHITE.match(text, end).end()
            at = WHITE.match(text, at + 1).end() if text[at] == "," else at
        start = at
    return start, end
