"""The parameters as they were on one day: those of the first day times the factors of the day."""

from __future__ import annotations

from typing import Any

from ..experiment import DAY_FACTORS, Label
from .rates import Values, find


def day_in(values: Values, day: str) -> str:
    """The day, or "" where nothing tells it from the first one."""
    return day if any(str(Label(name, day)) in values for name in DAY_FACTORS) else ""


def on_day(values: Values, day: str) -> Values:
    """Values by label as they were on a day; of any shape, or symbolic.

    dΓ, d and γs go with `day_depth[DAY]`, and Γ = dΓ/d stays; Γout_L goes with `day_loss[DAY]`. Γdeph stays: where Γ̃
    follows from it, so that Γ̃ changes with the loss, it is left out.
    """
    if not day_in(values, day):
        return values
    done: dict[str, Any] = {}
    for text, value in values.items():
        label = Label.parse(text)
        follows = label.name == "dephasing_rate"
        if follows and find(values, "pure_dephasing_rate", label.member, label.lights) is not None:
            continue
        done[text] = value
        for factor, names in DAY_FACTORS.items():
            if label.name in names and str(Label(factor, day)) in values:
                done[text] = value * values[str(Label(factor, day))]
    return done
