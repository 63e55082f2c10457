"""A simulated raw photocurrent, sample by sample: atoms that precess, are driven and are measured by the same light.

    S₂ = f + √(2γs/Z) √2 (x cos Ωt + p sin Ωt),   dx/dt = −γx − √(2γs Z) √2 cos Ωt f + √(2γextra n_b) F

and p likewise with sin (physics of `ContinuousMeasurement`; f, F white of strength ½), detected with efficiency η. The
light is constant during a sample; between samples the atoms evolve exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ...forward_models.light import ContinuousMeasurement
from ..errors import violation
from ..files import replace_file, require_space, streamed_file

_PAPER = ContinuousMeasurement(0.122, 0.148, 0.16, 1.78, 0.84)
"""γs, γextra, Z, n_b, η behind the two numbers of Fig. 2d."""


@dataclass(frozen=True)
class Disturbances:
    """Disturbances of a laboratory: offset (V), its drift (V/s), a line of `line_volts` at `line_frequency` (Hz)."""

    offset: float = 0.0
    drift: float = 0.0
    line_volts: float = 0.0
    line_frequency: float = 0.0


@dataclass(frozen=True)
class PhotocurrentPlan:
    """Plan of a simulated photocurrent.

    measurement : rates, Z, n_b, η;  initial_xi : of the atoms at each trigger
    records, length, period : number, ms, ms;  atoms : False for a reference of light alone
    sample_rate, larmor_frequency : of digitiser and reference, Hz;  noise_volts : shot noise of one sample
    offset, drift : of the atoms from the reference, Hz and Hz/s
    pulse : mean of x at the trigger, in units of √(2 × vacuum variance), shared by the two ensembles;
    mismatch : of the two ensembles' Larmor frequencies in the ring-down of that mean, Hz;  phase : of it, rad
    """

    records: int
    measurement: ContinuousMeasurement = _PAPER
    initial_xi: float = 1.0
    length: float = 12.0
    period: float = 15.0
    atoms: bool = True
    sample_rate: float = 1e6
    larmor_frequency: float = 322e3
    noise_volts: float = 0.01
    volts_per_count: float = 1e-5
    offset: float = 0.0
    drift: float = 0.0
    pulse: float = 0.0
    mismatch: float = 0.0
    phase: float = 0.0
    disturbances: Disturbances = field(default_factory=Disturbances)

    def __post_init__(self) -> None:
        if not self.records >= 1 or not 0 < self.length <= self.period:
            raise violation("photocurrent", f"{self.records} records of {self.length} ms in {self.period} ms",
                            "at least one, not longer than its period")  # fmt: skip

    def samples(self, duration: float) -> int:
        """In `duration` (ms)."""
        return round(duration * self.sample_rate / 1e3)


_OVERHEAD = 1 << 16
"""Bytes of the file beside samples and triggers."""
LEAD = 200
"""Samples before the first trigger and after the last period, for the filter."""


def write_photocurrent(path: str | Path, plan: PhotocurrentPlan, *, seed: int) -> None:
    """Write the stream as HDF5: `samples` (int16), `triggers`, and attributes; the same seed writes the same bytes."""
    period = plan.samples(plan.period)
    count = plan.records * period + 2 * LEAD
    size = 2 * count + 8 * plan.records + _OVERHEAD

    def write(temporary: Path) -> None:
        with streamed_file(temporary, size, libver=("earliest", "v108")) as file:
            array = file.create_dataset("samples", (count,), np.int16, track_times=False)
            triggers = LEAD + period * np.arange(plan.records, dtype=np.int64)
            file.create_dataset("triggers", data=triggers, track_times=False)
            for name, value in _attributes(plan, seed).items():
                file.attrs[name] = value
            start = 0
            for stretch in stretches(plan, seed):
                array[start : start + len(stretch)] = stretch
                start += len(stretch)

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    require_space(target, size)
    replace_file(target, write)


def stretches(plan: PhotocurrentPlan, seed: int) -> Iterator[np.ndarray]:
    """The stream in counts: the lead, each period, and an end as long as the lead."""
    period, start = plan.samples(plan.period), 0
    for number in range(plan.records + 2):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))
        if 0 < number <= plan.records:
            light = rng.standard_normal(period)
            if plan.atoms:
                begun = (LEAD + (number - 1) * period) / plan.sample_rate
                size = plan.samples(plan.length)
                light[:size] = _with_atoms(light[:size], plan, begun, rng)
        else:
            light = rng.standard_normal(LEAD)
        volts = plan.noise_volts * light + _technical(plan, start, len(light))
        yield np.clip(np.rint(volts / plan.volts_per_count), -32768, 32767).astype(np.int16)
        start += len(light)


def _with_atoms(light: np.ndarray, plan: PhotocurrentPlan, begun: float, rng: np.random.Generator) -> np.ndarray:
    """The detected light of one record in units of a sample's shot noise; `light` is what comes in."""
    from scipy.signal import lfilter

    m, step = plan.measurement, 1e3 / plan.sample_rate
    vacuum = np.sqrt(0.5 / step)  # of a sample of f, ms^{−½}
    gamma = m.decay_rate
    left, width = np.exp(-gamma * step), -np.expm1(-gamma * step) / gamma if gamma else step
    bath = np.sqrt(0.5 * m.bath_noise * m.extra_decay_rate * (-np.expm1(-2 * gamma * step) / gamma if gamma else 0.0))
    frequency = plan.larmor_frequency + plan.offset + plan.drift * begun
    angle = 2 * np.pi * np.mod(frequency / plan.sample_rate * np.arange(len(light)), 1.0)
    gain, signal = np.sqrt(2 * m.swap_rate / m.squeezing_limit), np.zeros(len(light))
    for wave in (np.cos(angle), np.sin(angle)):
        kick = -np.sqrt(2 * m.swap_rate * m.squeezing_limit) * np.sqrt(2) * wave * light * vacuum * width
        start = rng.standard_normal() * np.sqrt(0.5 * plan.initial_xi)
        driven = kick + bath * rng.standard_normal(len(light))
        x, _ = lfilter([0.0, 1.0], [1.0, -left], driven, zi=[start])
        signal += np.sqrt(2) * gain * x * wave
    signal += np.sqrt(2) * gain * _ring_down(plan, frequency, len(light))
    lost = rng.standard_normal(len(light))
    efficiency = m.detection_efficiency
    return np.asarray(np.sqrt(efficiency) * (light + signal / vacuum) + np.sqrt(1 - efficiency) * lost)


def _ring_down(plan: PhotocurrentPlan, frequency: float, count: int) -> np.ndarray:
    time = np.arange(count) / plan.sample_rate
    lines = [np.cos(2 * np.pi * (frequency + s * plan.mismatch / 2) * time + plan.phase) for s in (-1, 1)]
    return np.asarray(plan.pulse / 2 * sum(lines) * np.exp(-plan.measurement.decay_rate * 1e3 * time))


def _technical(plan: PhotocurrentPlan, start: int, count: int) -> np.ndarray:
    d, time = plan.disturbances, (start + np.arange(count)) / plan.sample_rate
    return np.asarray(d.offset + d.drift * time + d.line_volts * np.cos(2 * np.pi * d.line_frequency * time))


def _attributes(plan: PhotocurrentPlan, seed: int) -> dict[str, Any]:
    return {
        "title": "simulated photocurrent of one detector" + ("" if plan.atoms else ", without atoms"),
        "simulated": 1,
        "sample_rate": plan.sample_rate,
        "larmor_frequency": plan.larmor_frequency,
        "volts_per_count": plan.volts_per_count,
        "shot_noise_level": 2 * plan.noise_volts**2 / plan.sample_rate,
        "seed": seed,
        **vars(plan.measurement),
        "initial_xi": plan.initial_xi,
        "larmor_offset": plan.offset,
        "larmor_drift": plan.drift,
        "larmor_mismatch": plan.mismatch,
    }
