"""A design in words and tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...datasets.experiment import Label
from ...forward_models import PARAMETERS
from ..designs import DISAGREEMENT, Design, Direction, can_be_simulated
from .numbers import signed, with_error
from .table import Table, View

_MOST_EVEN = 1e3
_NOTICED = 0.01
"""Of the budget."""
_CONVINCING = 3.0
"""Nats: odds of 20 to 1."""


def duration(seconds: float) -> str:
    """'45 s', '12 min', '3.4 h', '5.1 d'."""
    for size, unit in ((86400 * 2, "d"), (3600 * 2, "h"), (180, "min")):
        if seconds >= size:
            return f"{seconds / {'d': 86400, 'h': 3600, 'min': 60}[unit]:.3g} {unit}"
    return f"{seconds:.3g} s"


def design_text(found: Design) -> str:
    """The verdict, the plan, what is expected of it, and what it cannot give."""
    view = design_view(found)
    tables = [f"{table.title}\n{table.text()}" for table in view.tables]
    return "\n\n".join([*view.verdict, *tables, "\n".join(view.notes)]).rstrip()


def refits_text(found: Design) -> str:
    """What refits of simulated outcomes say of what is expected: the verdict where they differ, table and agreement."""
    verdict = [_verdict(found)] if any(one.disagrees for one in found.expectations) else []
    table = _expected(found)
    return "\n\n".join([*verdict, f"{table.title}\n{table.text()}", *_agreement(found)])


def design_view(found: Design) -> View:
    """The same for a notebook."""
    return View(found.title, found.simulated, [_verdict(found)], [_plan(found), _expected(found)], _notes(found))


def design_rows(found: Design) -> list[dict[str, Any]]:
    """A row per planned point."""
    return [
        {"series": p.series, "kind": p.kind, "run": p.run, "x": p.x, "unit": p.unit, "shots": p.shots,
         "seconds": p.seconds, "sigma": p.sigma, "setting": p.setting}
        for p in found.points
    ]  # fmt: skip


def _verdict(found: Design) -> str:
    """What can be reached in which time, in one line."""
    if not found.possible:
        return f"Cannot be reached: {_named(found)} ± {found.target:.2g}. {_why(found)}"
    if found.met:
        now = found.of(found.label)
        asked = f"± {found.target:.2g} was asked for (per cent are of the value, {now.value:.3g})"
        below = f"Below: the plan for {duration(found.budget)}."
        return f"Already met: {_named(found)} ± {now.before:.2g} now, {asked}. {below}"
    spent = f"{duration(found.budget)} ({found.shots} shots)"
    if not found.label:
        what = "log Bayes factor" if any(one.nats for one in found.expectations) else "information gain"
        return f"Expected {what} for {found.goal!r}: {found.gain:.2g} nats in {spent}."
    goal = found.of(found.label)
    return (
        f"{_named(found)}: sd {goal.before:.2g} now, {goal.trusted[0]:.2g} expected after {spent}"
        f" ({100 * goal.trusted[0] / abs(goal.value):.1f} % of {goal.value:.3g})."
    )


def _named(found: Design) -> str:
    return Label.parse(found.label).symbol if found.label else found.goal


def _why(found: Design) -> str:
    if found.limit is None:
        return "No number of shots of these candidates is enough."
    words = found.limit.words
    return f"Any number of shots leaves ± {found.limit.sd:.2g}: {words}. Below: the plan for {duration(found.budget)}."


def _plan(found: Design) -> Table:
    rows = []
    for p in found.points:
        noise = "" if np.isnan(p.sigma) else f"{p.sigma:.2g}"
        at = f"{p.x:g} {p.unit}" if p.unit != "1" else f"{p.x:g}"
        rows.append([p.series, p.run, at, str(p.shots), noise, duration(p.seconds), p.setting])
    header = ["series", "run", "at", "shots", "±", "time", "setting"]
    keep = [k for k, name in enumerate(header) if name not in ("±", "setting") or any(row[k] for row in rows)]
    return Table([header[k] for k in keep], [[row[k] for k in keep] for row in rows],
                 numeric=range(2, len(keep)), title="The plan")  # fmt: skip


def _expected(found: Design) -> Table:
    rows = []
    for one in found.expectations:
        after, low, high = one.trusted
        if one.nats:
            obtained = f"{one.refits.mean():.1f}" if len(one.refits) else ""
            span = f"{after:.1f} ({low:.1f} to {high:.1f}) nats more"
            rows.append([f"{one.label} is true", f"{signed(one.value, '.1f')} nats", span, obtained])
            continue
        of = Label.parse(one.label)
        unit = of.unit if of.name in PARAMETERS else ""
        span = f"{after:.2g} ({low:.2g} to {high:.2g})"
        checked = f"{signed(round(100 * (one.ratio - 1)), '.0f')} %" if len(one.refits) else ""
        rows.append([of.symbol, f"{with_error(one.value, one.before)} {unit}".rstrip(), span, checked])
    header = ["quantity", "now", "expected (94 % of the posterior)", "refits"]
    if not any(row[-1] for row in rows):
        header, rows = header[:-1], [row[:-1] for row in rows]
    return Table(header, rows, numeric=range(1, len(header)), title="What is expected")


def _assumed(found: Design) -> str:
    """What the time of the plan rests on."""
    each = " or ".join(f"{1e3 * shot:g} ms" for shot in found.shot)
    mean = f"; a measured point with a σ counts as {found.repetitions:g} shots" if found.repetitions else ""
    changes = found.budget - found.seconds
    dear = any(p.setting for p in found.points) and changes > _NOTICED * found.budget
    changing = f" Changes of settings take {duration(changes)} of the time." if dear else ""
    return f"A shot takes {each}{' besides its delay' if found.delay else ''}{mean}.{changing}"


def _notes(found: Design) -> list[str]:
    """Agreement of the refits, what limits the plan, and directions that stay open."""
    notes = [_assumed(found), *(f"{words}." for words in found.left_out), *_agreement(found)]
    if nats := [one for one in found.expectations if one.nats]:
        wanted = found.target if np.isfinite(found.target) else _CONVINCING
        shares = ", ".join(f"{100 * one.share_above(wanted):.0f} %{one.label.removeprefix('log Bayes factor')}"
                           for one in nats)  # fmt: skip
        notes.append(f"Outcomes that give more than {wanted:.2g} nats (odds of {np.exp(wanted):.0f} to 1): {shares}.")
    if np.isfinite(found.even) and found.even < _MOST_EVEN:
        notes.append(f"The same number of shots at every point would take {found.even:.2g} times as long.")
    elif not np.isfinite(found.even) or found.even >= _MOST_EVEN:
        notes.append("The same number of shots at every point does not reach this in practice.")
    if found.remaining is not None and found.possible:
        notes.append(f"After this plan: {found.remaining.words}.")
    if found.limit is not None and found.possible:
        notes.append(f"Any number of shots: ± {found.limit.sd:.2g}, {found.limit.words}.")
    notes += [f"Never, whatever the repetitions (structural): {_combined(d)}." for d in found.never]
    notes += [f"Not with these data (practical): {_combined(d)}, {d.sd:.2g} of the prior's sd remains."
              for d in found.not_yet]  # fmt: skip
    return notes


def _agreement(found: Design) -> list[str]:
    """Of the refits; none where nothing was fitted, but why nothing could be."""
    if not can_be_simulated(found.planned):
        return ["Not verified by refits: the plan has more samples of records than are simulated and fitted."]
    number = max((len(one.refits) for one in found.expectations), default=0)
    wrong = [Label.parse(one.label).symbol for one in found.expectations if one.disagrees]
    limit = f"{100 * DISAGREEMENT:.0f} %"
    said = f"agree with the prediction within {limit}, or within their scatter"
    if wrong:
        said = f"differ by more than {limit} for {', '.join(wrong)}: the table has their values"
    return [f"{number} simulated outcomes were fitted; the refits {said}."] if number else []


def _combined(direction: Direction) -> str:
    """'Γcol +1.0, Γ −0.9 together'; of a single parameter 'Γcol'."""
    if len(direction.parts) == 1:
        return Label.parse(next(iter(direction.parts))).symbol
    return f"{direction.words} together"
