"""What an experiment is: apparatus, stages, series and published numbers, checked when made."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ...forward_models import NOISES, PARAMETERS
from ..errors import violation
from ..kinds import KINDS, Kind
from .fields import ALWAYS, FIRST, LATER, gather, require_numbers
from .label import Truth
from .record_series import RecordSeries
from .runs import MAIN_RUN, POPULATIONS, ConstantRun, StageEntry

DECAY_TIMES = ("polarization_decay_time", "transverse_spin_decay_time")
TIMELESS = {**dict.fromkeys(DECAY_TIMES, "ms"), "optimal_mode_rate": "1/ms"}
"""Numbers that belong to no time of a run, with their units; the decay times are those at its start."""
QUANTITIES = (*(name for name, kind in KINDS.items() if kind.quantity), *TIMELESS)  # that a number can be of
SERIES_ERRORS = {"scale": 1.0, "offset": 0.0, "gain_drift": 0.0, "offset_drift": 0.0, "time_offset": 0.0}
"""Errors that a series has in common: the parameter of the field NAME_uncertainty, with its value without error."""
ORDERS = ("time", "taken")
"""In what order noise may be correlated."""
FREE = "free"
"""Said of an amplitude or an offset of which nothing is known."""
DISCREPANCY_TERMS = 5
"""Of the smooth curve by which a series may differ from the model: they hold 99.9 % of its variance."""
APPARATUS = tuple(
    name
    for name, parameter in PARAMETERS.items()
    if not parameter.per_lights and not parameter.per_series and name != "collective_rate"
)


@dataclass(frozen=True)
class Known:
    """Prior knowledge of a parameter: value ± sigma in its unit of `PARAMETERS`; sigma 0: exactly."""

    value: float
    sigma: float = 0.0


@dataclass(frozen=True)
class Series:
    """A measured series of T values. Observed = scale × model + offset, plus noise; scale and offset may drift.

    name : a different one for each series;  kind : what is measured;  run : the run in which it is measured
    x (T,): what it is measured against, in the unit of its kind: ms, deg or 1;  value (T,), without unit
    spread (T,): standard deviations, or numbers of repetitions R, as `noise` (one of `NOISES`) asks
    component (T,): for kinds with several components, which one each value is; those of one point follow each other
    excluded (T,): points that are kept but not fitted
    left_out (T,): points that are taken out of one fit, to be predicted by it; its model keeps the form of the whole

    scale_uncertainty : standard deviation of an error of the scale that all values share
    offset_uncertainty : standard deviation of an offset that all values share
    gain_drift_uncertainty : standard deviation of the relative change of the scale from the first to the last point
    offset_drift_uncertainty : standard deviation of the change of the offset from the first to the last point
    amplitude : "free" for values in volts or degrees;  offset : "free" for values on an unknown background
    time_offset_uncertainty : standard deviation of an error that all its times share, ms
    noise_correlation : the order of points in which noise is correlated: "time", or that of the column "taken"
    taken (T,): the order in which the points were taken, where that is not the one of time
    covariance (T, T): of the noise of all points, whose standard deviations are `spread`
    discrepancy_uncertainty : standard deviation of a smooth curve by which the values differ from the model
    efficiency_in_scale : false where ξ was computed with the η of [apparatus] and follows the fitted η
    noise : its law; by default that of its errors;  tail : degrees of freedom ν of Student-t noise
    probe_duration : of the pulse that reads the atoms out, ms;  pulse_time : when in the run the RF pulse comes, ms
    slope_used : projection noise per degree by which ξ was divided, where it is to be corrected by the fitted one
    mode_rate : m of the mode e^{mt} of the past light with which the atoms were predicted, ms⁻¹
    day : on which it was taken; different days share neither d nor Γout_L;  note : a remark, for check and tables
    """

    name: str
    kind: str = field(metadata={"choices": KINDS})
    x: np.ndarray
    value: np.ndarray
    spread: np.ndarray
    noise: str = field(default="gaussian", metadata=ALWAYS | {"choices": NOISES})
    excluded: np.ndarray | None = None
    run: str = field(default=MAIN_RUN, metadata=FIRST | ALWAYS)
    scale_uncertainty: float = field(default=0.0, metadata=ALWAYS)
    offset_uncertainty: float = field(default=0.0, metadata=ALWAYS)
    tail: float = field(default=4.0, metadata=ALWAYS)
    efficiency_in_scale: bool = field(default=True, metadata=ALWAYS)
    component: np.ndarray | None = None
    probe_duration: float = field(default=0.0, metadata={"unit": "ms"})
    pulse_time: float = field(default=0.0, metadata={"unit": "ms"})
    slope_used: float = 0.0
    mode_rate: float = field(default=0.0, metadata={"unit": "1/ms"})
    gain_drift_uncertainty: float = field(default=0.0, metadata=LATER)
    offset_drift_uncertainty: float = field(default=0.0, metadata=LATER)
    time_offset_uncertainty: float = field(default=0.0, metadata=LATER | {"unit": "ms"})
    day: str = field(default="", metadata=LATER)
    noise_correlation: str = field(default="", metadata=LATER | {"choices": ORDERS})
    discrepancy_uncertainty: float = field(default=0.0, metadata=LATER)
    amplitude: str = field(default="", metadata=LATER | {"choices": (FREE,)})
    offset: str = field(default="", metadata=LATER | {"choices": (FREE,)})
    taken: np.ndarray | None = field(default=None, metadata=LATER)
    covariance: np.ndarray | None = field(default=None, metadata=LATER)
    note: str = ""
    left_out: np.ndarray | None = None

    def __post_init__(self) -> None:
        require_numbers(self, "x", "value", "spread")

    @property
    def about(self) -> Kind:
        """Its kind."""
        return KINDS[self.kind]

    @property
    def dim(self) -> str:
        """The name of its dimension in a model and in a fit."""
        return f"{self.name}_{self.about.abscissa}"

    @property
    def errors(self) -> dict[str, float]:
        """The parameters of `SERIES_ERRORS` that it has, with their standard deviations."""
        sizes = {name: float(getattr(self, f"{name}_uncertainty")) for name in SERIES_ERRORS}
        return {name: size for name, size in sizes.items() if size}

    @property
    def correlated(self) -> bool:
        """Whether the noise of its points is no independent one."""
        return bool(self.noise_correlation) or self.covariance is not None

    @property
    def free(self) -> list[tuple[str, str]]:
        """Name and entry of its amplitude and offset, where they are free."""
        return [(name, self.name) for name in ("amplitude", "offset") if getattr(self, name)]

    @property
    def noise_parameters(self) -> list[tuple[str, str]]:
        """Name and entry of the parameters of its correlated noise and of its discrepancy."""
        found = [("noise_correlation", self.name)] if self.noise_correlation else []
        terms = range(1, DISCREPANCY_TERMS + 1) if self.discrepancy_uncertainty else ()
        return found + [("discrepancy", f"{self.name}: {k}") for k in terms]

    def within(self, low: float, high: float, where: str) -> Series:
        """With all points excluded but those with low ≤ x ≤ high; ExperimentError where none is left."""
        outside = (self.x < low) | (self.x > high)
        if outside.all():
            expected = f"one that has points: they are at {self.x.min():g} to {self.x.max():g} {self.about.unit}"
            raise violation(where, f"a range from {low:g} to {high:g} {self.about.unit}", expected)
        return replace(self, excluded=outside if self.excluded is None else self.excluded | outside)

    def ramp(self, x: np.ndarray) -> np.ndarray:
        """How far a drift has come at some abscissas: 0 at its first point, 1 at its last."""
        return np.asarray((x - self.x.min()) / (np.ptp(self.x) or 1.0))

    @property
    def component_numbers(self) -> np.ndarray:
        """(T,): which component each value is, 0 where there is but one."""
        return np.zeros(len(self.x), int) if self.component is None else self.component

    @property
    def fitted_x(self) -> np.ndarray:
        """What it is measured against where it is fitted."""
        return np.asarray(self.x[self.fitted])

    @property
    def fitted(self) -> np.ndarray:
        """Which points enter the likelihood: not excluded, not left out, not 1 by normalisation (t = 0 of P and Jy)."""
        return self.modelled if self.left_out is None else self.modelled & ~self.left_out

    @cached_property
    def modelled(self) -> np.ndarray:
        """Which points give the model its form: those that are fitted, and those left out."""
        use = np.ones(len(self.x), bool) if self.excluded is None else ~self.excluded
        if self.about.normalised_to_start and not self.amplitude:
            use = use & (self.x > 0)
        use.setflags(write=False)
        return use


@dataclass(frozen=True)
class Observation:
    """A single measured or published number.

    quantity : what the number is of: a kind of series, a decay time, or the optimal mode rate
    value, sigma : number and standard deviation, in `unit`;  left_out : taken out of one fit, to be predicted by it
    time : in its run, ms; not for decay times and the optimal mode rate;  run : the run in which it is measured
    excluded : the reason why it is not fitted, if it is not;  source : where the number was published
    scale_uncertainty : sd of a scale error;  shared_scale : the name of a scale error that several numbers have
    """

    quantity: str = field(metadata={"choices": QUANTITIES})
    value: float
    sigma: float
    time: float = field(default=0.0, metadata=FIRST | {"unit": "ms"})
    run: str = MAIN_RUN
    excluded: str = field(default="", metadata={"key": "exclude"})
    source: str = ""
    scale_uncertainty: float = 0.0
    shared_scale: str = ""
    left_out: bool = field(default=False, metadata={"stored": False})

    @property
    def unit(self) -> str:
        """The unit of value and sigma."""
        return TIMELESS.get(self.quantity, "1")

    @property
    def label(self) -> str:
        """What to call it in tables and coordinates."""
        at = "" if self.quantity in TIMELESS else f" at {self.time:g} ms"
        return f"{self.quantity}{at}" + ("" if self.run == MAIN_RUN else f" ({self.run})")


@dataclass(frozen=True)
class Experiment:
    """An experiment: what an `experiment.toml` says. `check_experiment` raises for one that cannot be.

    title, description : texts;  date : 2026-11-03, or "";  simulated : whether a model made the data, or some of them
    stages : of all runs, in order;  series, records, observations : what was measured; a tuple, a list or a single one
    apparatus : parameter → what is known of it beforehand;  priors : label → text, in place of the default priors
    run_depth : run → optical depth relative to `main`;  constant : the runs in which populations do not move
    truth : how it was simulated

    Of several put together (`joint`): `member` says to which each run belongs, `sharing` which parameters are not
    common to all (parameter → "separate" or "population"; also how days share what `DAY_FACTORS` names, "separate"
    where it says nothing), `known_of` what is known of single members.

    From a calibration: priors `calibrated`, and the `correlation` (n, n) of those of the parameters `correlated`, on
    the scale on which each is normal.
    """

    title: str
    simulated: bool
    stages: tuple[StageEntry, ...] = field(metadata={"parts": StageEntry})
    series: tuple[Series, ...] = field(default=(), metadata={"parts": Series})
    records: tuple[RecordSeries, ...] = field(default=(), metadata={"parts": RecordSeries})
    observations: tuple[Observation, ...] = field(default=(), metadata={"parts": Observation})
    apparatus: dict[str, Known] = field(default_factory=dict)
    priors: dict[str, str] = field(default_factory=dict)
    run_depth: dict[str, float] = field(default_factory=dict)
    constant: dict[str, ConstantRun] = field(default_factory=dict)
    description: str = ""
    date: str = field(default="", metadata={"later": True})
    truth: Truth | None = None
    member: dict[str, str] = field(default_factory=dict)
    sharing: dict[str, str] = field(default_factory=dict)
    known_of: dict[str, dict[str, Known]] = field(default_factory=dict)
    calibrated: dict[str, str] = field(default_factory=dict)
    correlated: tuple[str, ...] = ()
    correlation: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        gather(self)

    @property
    def members(self) -> list[str]:
        """The experiments that were put together, in order; none where this is a single one."""
        return list(dict.fromkeys(self.member.values()))

    def knows(self, name: str, member: str = "") -> bool:
        """Whether something is known beforehand of a parameter (of a member)."""
        return name in self.known_of.get(member, self.apparatus) or name in self.apparatus

    def known(self, name: str, member: str = "") -> Known:
        """What is known beforehand of a parameter (of a member); KeyError where nothing is."""
        return self.known_of.get(member, self.apparatus).get(name) or self.apparatus[name]

    def run_stages(self, run: str) -> list[StageEntry]:
        """The stages of one run, in order."""
        return [stage for stage in self.stages if stage.run == run]

    @property
    def runs(self) -> list[str]:
        """Names of the runs, in order of appearance."""
        return list(dict.fromkeys(stage.run for stage in self.stages))

    @property
    def parts(self) -> list[Series | RecordSeries]:
        """The series and the records: both have a name, a run, a note, and some of them is fitted."""
        return [*self.series, *self.records]

    @cached_property
    def modelled(self) -> tuple[Series, ...]:
        """The series of which some points give the model its form."""
        return tuple(series for series in self.series if series.modelled.any())

    @property
    def free(self) -> list[tuple[str, str]]:
        """Name and entry of the amplitudes and offsets of which nothing is known."""
        return [one for series in self.series for one in series.free]

    @property
    def unmodelled(self) -> list[str]:
        """The runs whose populations are no part of the model."""
        return [run for run, constant in self.constant.items() if constant.populations == "unmodelled"]

    def populations(self, run: str) -> str:
        """Whether the populations of a run are "moving", "steady" or "unmodelled"; see `POPULATIONS`."""
        return self.constant[run].populations if run in self.constant else POPULATIONS[0]

    def duration(self, run: str) -> float:
        """Total duration of one run, ms."""
        return float(sum(stage.duration for stage in self.run_stages(run)))
