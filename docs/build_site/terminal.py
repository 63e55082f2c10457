"""The directive `terminal`: commands of a shell, and what they print when the site is built."""

import os
import subprocess
import tempfile
import textwrap
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]


WIDTH = 98
"""Of a block, in characters."""


def wrapped(line: str) -> list[str]:
    """A line of text in lines that a page can show; rows of a table stay as they are."""
    if len(line) <= WIDTH or "   " in line.strip():
        return [line]
    return textwrap.wrap(line, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


class Terminal(SphinxDirective):
    """Each line is a command, run in a folder that is the page's own; `$DOCS` is the folder of the sources.

    exit : the exit code that the last command must have, 0 by default;  lines : at most so many lines of each output
    hidden : run, but not shown
    """

    has_content = True
    option_spec = {  # noqa: RUF012
        "exit": directives.nonnegative_int,
        "lines": directives.positive_int,
        "hidden": directives.flag,
    }

    def run(self):
        """The commands with their outputs as one block."""
        folders = self.env.temp_data.setdefault("terminal", {})
        if self.env.docname not in folders:
            folders[self.env.docname] = tempfile.mkdtemp(prefix="dissentangle-docs-")
        text, code = "", 0
        for command in self.content:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folders[self.env.docname],
                env=os.environ | {"DOCS": str(DOCS)},
                capture_output=True,
                text=True,
                check=False,
            )
            code = done.returncode
            shown = done.stdout if done.returncode == 0 else done.stdout + done.stderr
            lines = [part for line in shown.rstrip("\n").splitlines() for part in wrapped(line)]
            most = self.options.get("lines", len(lines))
            text += "\n".join(["$ " + command, *lines[:most], *["…"] * (len(lines) > most)]) + "\n"
        if code != self.options.get("exit", 0):
            raise ExtensionError(f"{self.env.docname}:{self.lineno}: exit code {code}\n{text}")
        if "hidden" in self.options:
            return []
        block = nodes.literal_block(text, text, language="console", classes=["terminal"])
        block["language"] = "console"
        return [block]


def setup(app):
    """For Sphinx."""
    app.add_directive("terminal", Terminal)
    return {"parallel_read_safe": False}
