"""Runs of an experiment: their stages, the name of the only one, and those in which populations do not move."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from numbers import Real

from ...forward_models import LIGHTS
from ..errors import violation
from .fields import LATER
from .light_power import LightPower, spans

MAIN_RUN = "main"
POPULATIONS = ("moving", "steady", "unmodelled")
"""Of a run: followed from the start values; those of the steady state of its lights; or no part of the model."""
BEGINNINGS = ("unknown", "steady")


@dataclass(frozen=True)
class ConstantRun:
    """A run with constant rates: one stage, in which only the transverse spins change.

    populations : "steady": those that dΓ, Γcol, Γpump, … lead to, from which γs, γextra and n_b follow; "unmodelled":
        γs, γextra and n_b are parameters themselves, one of each for each kind of stage
    begins : "unknown": ξ at the beginning is a parameter, initial_xi[RUN]; "steady": it is that of the steady state
    """

    populations: str = field(default="unmodelled", metadata={"choices": POPULATIONS})
    begins: str = field(default="unknown", metadata={"choices": BEGINNINGS})


@dataclass(frozen=True)
class StageEntry:
    """One stage of a run: its duration, ms, and which of the lights drive, pump, repump are on.

    duration : of the stage, with its unit;  run : the run to which the stage belongs
    lights : frozenset({"drive", "pump"}), empty in the dark; a list of them, or "drive+pump" and "dark", becomes one
    power : of the lights that have not the power at which their rates are the parameters, or not all the time
    """

    duration: float = field(metadata={"unit": "ms"})
    lights: frozenset[str]
    run: str = MAIN_RUN
    power: tuple[LightPower, ...] = field(default=(), metadata=LATER)

    def __post_init__(self) -> None:
        if isinstance(self.duration, bool) or not isinstance(self.duration, Real):
            expected = 'a number of ms, such as StageEntry(20.0, frozenset({"drive"}))'
            raise violation("StageEntry: duration", self.duration, expected)
        lights = self.lights
        if isinstance(lights, str):
            lights = frozenset(lights.split("+")) - {"dark", ""}
        if not isinstance(lights, (frozenset, set, list, tuple)) or not all(isinstance(one, str) for one in lights):
            expected = f"those of {', '.join(LIGHTS)} that are on: frozenset({{'drive'}}), in the dark frozenset()"
            raise violation("StageEntry: lights", repr(self.lights), expected)
        object.__setattr__(self, "lights", frozenset(lights))

    @property
    def label(self) -> str:
        """'drive+pump', 'dark': the coordinate of the dim `lights`."""
        return "+".join(light for light in LIGHTS if light in self.lights) or "dark"

    @property
    def at_full_power(self) -> StageEntry:
        """The stage with its lights at the power at which their rates are the parameters."""
        return replace(self, power=()) if self.power else self

    @property
    def pieces(self) -> list[StageEntry]:
        """Stages of constant power that do to the atoms what this one does."""
        if not self.power:
            return [self]
        return [replace(self, duration=length, power=powers) for length, powers in spans(self.duration, self.power)]

    @property
    def at_its_end(self) -> StageEntry:
        """The stage with its lights at the power that they have in the end."""
        power = tuple(LightPower(p.light, (0.0,), (float(p.at(self.duration)),)) for p in self.power)
        return replace(self, power=power) if self.power else self

    @classmethod
    def of(cls, label: str, run: str = MAIN_RUN) -> StageEntry:
        """A stage with these lights, of whatever duration."""
        return cls(1.0, frozenset(label.split("+")) & frozenset(LIGHTS), run)
