"""The reference that is generated from the code: what the packages export, the command line, the parameters."""

import argparse
import importlib
import inspect
import re
import sys
from pathlib import Path

from sphinx.errors import PycodeError
from sphinx.pycode import ModuleAnalyzer
from when import WHEN

from dissentangle.forward_models import PARAMETERS
from dissentangle.inference.cli import parser
from dissentangle.inference.model.defaults import DEFAULTS, OF_SIXTEEN_LEVELS

PACKAGES = {
    "forward_models": "The physics: pure functions of arrays. No files, no inference.",
    "datasets": "What an experiment is: reading, checking, converting, writing, simulating.",
    "inference": "Posteriors, checks, comparison, reports.",
}


def write(folder: Path) -> None:
    """All generated pages of the reference, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {
        "cli.md": command_line(),
        "parameters.md": parameters(),
        **{f"{package}.rst": api(package) for package in PACKAGES},
    }.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def parameters() -> str:
    """A row per parameter: names, unit, meaning, source, default prior, and when it is an unknown."""
    rows = [
        "# Parameters\n",
        "Generated from `forward_models/parameters.py` and `inference/model/defaults.py`. Time is in ms.",
        "What the forms of a prior mean: {doc}`/understand/priors`.\n",
        "| symbol | name | unit | meaning | default prior | when it is an unknown | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in PARAMETERS.items():
        unit = "" if row.unit == "1" else row.unit
        prior = f"`{DEFAULTS[name]}`" if name in DEFAULTS else ""
        others = {label: text for label, text in OF_SIXTEEN_LEVELS.items() if label.partition("[")[0] == name}
        prior += "".join(f"; {'dark' if '[' in label else 'sixteen levels'} `{text}`" for label, text in others.items())
        cells = (row.symbol, f"`{name}`", unit, row.meaning, prior, WHEN.get(name, ""), row.source)
        rows.append("| " + " | ".join(cell.replace("|", r"\|").replace("*", r"\*") for cell in cells) + " |")
    return "\n".join(rows) + "\n"


def command_line() -> str:
    """A section per command: what it does, examples, options."""
    top = parser()
    commands = next(a for a in top._actions if isinstance(a, argparse._SubParsersAction))
    helps = {choice.dest: choice.help for choice in commands._choices_actions}
    out = [
        "# Command line\n",
        "Generated from the parsers of the program. `dissentangle COMMAND --help` shows the same.\n",
        "| command | what it does |\n|---|---|",
        *(f"| [`{name}`](#{name}) | {_cell(helps[name])} |" for name in commands.choices),
        "",
    ]
    for name, one in commands.choices.items():
        out += [f"## {name}\n", one.description, "", "```text", one.format_usage().strip(), "```\n", "```sh"]
        out += [line.strip() for line in (one.epilog or "").splitlines()[1:]] + ["```\n"]
        rows = [_option(action) for action in one._actions if action.help != argparse.SUPPRESS]
        out += ["| option | meaning |\n|---|---|", *rows, ""]
    return "\n".join(out)


def _option(action: argparse.Action) -> str:
    value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    value = " ".join(value) if isinstance(value, tuple) else value
    names = ", ".join(action.option_strings) or value
    shown = f"{names} {value}" if action.option_strings and action.nargs != 0 else names
    text = (action.help or "") % (vars(action) | {"prog": "dissentangle"})
    return f"| `{shown.replace('|', chr(92) + '|')}` | {_cell(text)} |"


def _cell(text: str) -> str:
    return re.sub(r"([*<~])", r"\\\1", text).replace("|", r"\|").replace("\n", " ")


def api(package: str) -> str:
    """What a package exports, by the sub-package in which it is made."""
    module = importlib.import_module(f"dissentangle.{package}")
    title = f"dissentangle.{package}"
    out = [title, "=" * len(title), "", PACKAGES[package], "", f".. py:module:: {title}", ""]
    groups: dict[str, list[str]] = {}
    for name in module.__all__:
        if not name.startswith("__"):
            groups.setdefault(_room(package, getattr(module, name)), []).append(name)
    for room in sorted(groups):
        heading = _heading(package, room)
        out += [heading, "-" * len(heading), ""]
        for name in groups[room]:
            found = getattr(module, name)
            if inspect.isclass(found):
                out += [f".. autoclass:: {title}.{name}", "   :members:", ""]
            elif inspect.isfunction(found):
                out += [f".. autofunction:: {title}.{name}", ""]
            else:
                out += [f".. py:data:: {name}", "", *(f"   {line}" for line in _about(package, name)), ""]
    return "\n".join(out)


def _room(package: str, found: object) -> str:
    parts = getattr(found, "__module__", "").split(".")
    return parts[2] if len(parts) > 3 and parts[:2] == ["dissentangle", package] else ""


def _about(package: str, name: str) -> list[str]:
    """The text below a constant, from the file in which it stands."""
    for module in sorted(m for m in sys.modules if m.startswith(f"dissentangle.{package}.")):
        try:
            found = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
        except PycodeError:
            continue
        if found:
            as_restructured_text(None, "data", name, None, None, found)
            return found
    return []


def _heading(package: str, room: str) -> str:
    return room.replace("_", " ").capitalize() if room else "General"


_ITEM = re.compile(r"(\w[^.:;`]{0,60}?) : +(.*)")
"""`name (shape) : meaning`, as the docstrings give arguments, fields and exceptions."""


def as_restructured_text(app, what, name, found, options, lines):
    """Docstrings are texts for people; here they become paragraphs, lists of what is given, formulas and examples."""
    out: list[str] = []
    literal = in_item = False
    for k, line in enumerate(lines):
        text, indented = line.strip(), line[:1] == " "
        following = lines[k + 1].strip() if k + 1 < len(lines) else ""
        if set(text) == {"-"}:
            continue
        if not text:
            in_item = False
            out.append("")
        elif following and set(following) == {"-"}:
            out += ["", f".. rubric:: {text}", ""]
        elif text.startswith(">>>") or literal:
            out.append(line)
        elif indented and in_item:
            out[-1] += " " + plain(text)
        elif indented:
            out += (
                [*([""] if out and out[-1] else []), "::", "", "    " + line, ""]
                if not code(out)
                else ["    " + line, ""]
            )
        elif _ITEM.match(text):
            out += [""] * bool(out and out[-1] and not out[-1].startswith("- "))
            out += [f"- **{plain(_ITEM.match(one)[1])}**: {plain(_ITEM.match(one)[2])}" for one in items(text)]
            in_item = True
        else:
            out += [""] * bool(out and out[-1].startswith("- "))
            out.append(plain(text))
            in_item = False
        literal = text.startswith(">>>") or (literal and bool(text))
    lines[:] = out


def items(text: str) -> list[str]:
    """`a : one;  b : two` as two."""
    parts: list[str] = []
    for part in re.split(r";  +", text):
        if parts and not _ITEM.match(part):
            parts[-1] += "; " + part
        else:
            parts.append(part)
    return parts


def code(out: list[str]) -> bool:
    """Whether the text so far ends in a formula, which goes on."""
    return len(out) > 1 and not out[-1] and out[-2].startswith("    ")


def plain(text: str) -> str:
    """Bars, stars and trailing underscores without the meaning that reStructuredText gives them."""
    parts = re.split(r"(``.+?``|`[^`]+`)", text)
    for k, part in enumerate(parts):
        if k % 2 == 0:
            parts[k] = re.sub(r"(\w)_(?=\W|$)", r"\1\\_", re.sub(r"([*|`])", r"\\\1", part))
        elif not part.startswith("``"):
            parts[k] = f"`{part}`"
    return "".join(parts)
