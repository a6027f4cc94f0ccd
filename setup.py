"""What pyproject.toml cannot say: where this copy of the book lives.

Every fork has addresses of its own (``ltcbook/site/address.py``). The package names them, and the README's
links to files lead to the repository. Where no address is known there is none, and those links are words.
"""

import re
import sys
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from ltcbook.site import address

LINK = re.compile(r"\[([^]]+)\]\((?!https?:|#)([^)\s]+)\)")  # from file to file
known = address.read(HERE)
readme = (HERE / "README.md").read_text("utf8")
urls = {"Repository": known["url"], "Documentation": known["site"]}

setup(
    long_description=LINK.sub(rf"[\1]({known['url']}/blob/HEAD/\2)" if known["url"] else r"\1", readme),
    long_description_content_type="text/markdown",
    project_urls={name: url for name, url in urls.items() if url},
)
