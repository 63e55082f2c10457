"""The directive `terminal`: commands of a shell, and what they print when the site is built."""

import os
import subprocess
import tempfile
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

DOCS = Path(__file__).parents[1]


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
        for command in "\n".join(self.content).replace("\\\n", "\\\0").split("\n"):
            command = command.replace("\\\0", "\\\n")
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=folders[self.env.docname],
                env=os.environ | {"DOCS": str(DOCS)},
                capture_output=True,
                text=True,
                check=False,
            )
            code = done.returncode
            lines = (done.stdout + done.stderr).rstrip("\n").splitlines()
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
