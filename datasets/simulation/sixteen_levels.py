"""The true values of simulated atoms with sixteen levels, and which parameters are those of three states alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..errors import ExperimentError, nearest
from ..experiment import Label

SIXTEEN_LEVELS = {
    "drive_detuning": 850.0,
    "electron_collision_rate[drive]": 0.045,
    "electron_collision_rate[dark]": 0.017,
    "pure_dephasing_rate[drive]": 0.15,
    "pure_dephasing_rate[dark]": 0.03,
}
"""In place of the three-state model's rates; `[drive]` stands for all kinds of stage with it. Values of
docs/understand/sixteen-levels.md."""
ROOM_TEMPERATURE = 300.0
VARIANTS: dict[str, dict[str, float]] = {
    "sixteen-level": {},
    "excess-loss": {"excess_loss_rate": 0.015, "electron_collision_rate": 0.017},
    "free-radiative-rate": {"radiative_ratio": 2.1, "electron_collision_rate": 0.017},
    "uniform-collisions": {"collision_rate": 0.0005},
    "cold-atoms": {"temperature": 0.0},
}
"""By model what is true where nothing else is given: fits of the same page; Γcol for T1 = 130 ms in the dark."""
ELECTRON = "electron_collision_rate"
_THREE_ALONE = ("light_loss_rate", "larmor_mismatch", "collisional_loss")
_SIXTEEN_ALONE = ("drive_detuning", "excess_loss_rate", "radiative_ratio", ELECTRON, "probe_weight", "pump_impurity",
                  "repump_impurity")  # fmt: skip
_OF_THREE_STATES = ("light_loss_rate", "dephasing_rate", "collision_rate")
"""What a recorded truth of three states has and sixteen levels have not, or in another size."""


def of_model(model: str) -> dict[str, float]:
    """What is true by models joined by +, all of them with sixteen levels; ExperimentError for another one."""
    found: dict[str, float] = {}
    for name in model.split("+"):
        if name.strip() not in VARIANTS:
            known = ", ".join(VARIANTS)
            expected = f"one of {known}, or several joined by +; the true values of others are given by --set"
            raise ExperimentError(f"model {name.strip()!r}: found no atoms to simulate{nearest(name, VARIANTS)},"
                                  f" expected {expected}")  # fmt: skip
        found |= VARIANTS[name.strip()]
    return found


def without_other_models(recorded: Mapping[str, float], model: str) -> dict[str, float]:
    """A recorded truth without what models that `model` does not name have added to it, by which it would be theirs."""
    named = [name.strip() for name in model.split("+")]
    added = {name: value for other, true in VARIANTS.items() if other not in named for name, value in true.items()}
    gone = {"excess_loss_rate", "radiative_ratio"} & added.keys() & recorded.keys()
    gone |= {ELECTRON} if gone else set()
    gone |= {"collision_rate"} & added.keys()
    gone |= {"temperature"} if added.get("temperature") == recorded.get("temperature") else set()
    return {text: value for text, value in recorded.items() if text not in gone}


def is_of_other_atoms(name: str, *, sixteen: bool) -> bool:
    """Whether nothing depends on a parameter, because the atoms have three states, or sixteen levels."""
    return name in (_THREE_ALONE if sixteen else _SIXTEEN_ALONE)


def check_atoms(given: Collection[str], *, sixteen: bool) -> None:
    """Raise ExperimentError for parameters of the other atoms, which would do nothing, and for R and Γcol at once."""
    names = [Label.parse(label).name for label in given]
    for label, name in zip(given, names, strict=True):
        if is_of_other_atoms(name, sixteen=sixteen):
            found = "atoms with sixteen levels" if sixteen else "atoms with three states"
            expected = "none of it" if sixteen else "those with sixteen levels (--model sixteen-level)"
            raise ExperimentError(f"parameters: {label}: found {found}, on which it has no effect, expected {expected}")
    if sixteen and ELECTRON in names and "collision_rate" in names:
        raise ExperimentError(f"parameters: found both {ELECTRON} and collision_rate, expected one of the two")


def of_sixteen_levels(values: Mapping[str, float], labels: Collection[str], given: Collection[str]) -> dict[str, float]:
    """The values without what three states alone have, and with what sixteen levels have beyond it."""
    found = {text: value for text, value in values.items() if Label.parse(text).name not in _OF_THREE_STATES}
    for label in map(Label.parse, labels):
        lit = "drive" if "drive" in label.lights.split("+") else "dark"
        text = str(Label(label.name, lit)) if label.entry else label.name
        if text in SIXTEEN_LEVELS and not (label.name == ELECTRON and {ELECTRON, "collision_rate"} & {*given}):
            found[str(label)] = SIXTEEN_LEVELS[text]
    return found


def still_true(recorded: Mapping[str, float], given: Collection[str]) -> dict[str, float]:
    """A recorded truth without the rates of three states, and without the R, or Γcol, that another one replaces."""
    names = {Label.parse(label).name for label in given}
    gone = set() if "temperature" in recorded else {*_OF_THREE_STATES, *_THREE_ALONE}
    gone |= {ELECTRON} if {ELECTRON, "collision_rate"} & {*given} else set()
    gone |= {"collision_rate"} if ELECTRON in names else set()
    return {text: value for text, value in recorded.items() if Label.parse(text).name not in gone}
