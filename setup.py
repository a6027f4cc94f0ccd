"""What pyproject.toml cannot say: where this copy of the book lives.

Every fork has addresses of its own, so the repository names none. Who publishes a release gives them in the
environment: LTCBOOK_ADDRESS, the repository (https://github.com/OWNER/REPO), and LTCBOOK_SITE, the pages. The
package names them then, and the README's links to files lead there. Without an address those links are words.
"""

import os
import re
from pathlib import Path

from setuptools import setup

LINK = re.compile(r"\[([^]]+)\]\((?!https?:|#)([^)\s]+)\)")  # from file to file
address, site = (os.environ.get(name, "").rstrip("/") for name in ("LTCBOOK_ADDRESS", "LTCBOOK_SITE"))
readme = (Path(__file__).parent / "README.md").read_text("utf8")

setup(
    long_description=LINK.sub(rf"[\1]({address}/blob/HEAD/\2)" if address else r"\1", readme),
    long_description_content_type="text/markdown",
    project_urls={name: url for name, url in {"Repository": address, "Documentation": site}.items() if url},
)
