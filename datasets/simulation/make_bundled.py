"""Writes the bundled simulated experiments: `python -m dissentangle.datasets.simulation.make_bundled FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from ..experiment import ZEEMAN, ConstantRun, Experiment, Known, RecordSeries, Series, StageEntry
from ..formats import save
from .photocurrent import PhotocurrentPlan, write_photocurrent
from .simulate import SeriesPlan, measured, simulate

_DRIVE, _PUMPED, _DARK = frozenset({"drive"}), frozenset({"drive", "pump"}), frozenset[str]()


def _plans(end: float) -> list[Series]:
    times = np.round(np.linspace(end / 30, end, 30), 3)
    return [
        SeriesPlan("xi", times, spread=3000, noise="gamma", scale_uncertainty=0.04),
        SeriesPlan("polarization", times, spread=0.005),
        SeriesPlan("transverse_spin", times, spread=0.01),
    ]


def _laboratory() -> Any:
    """Variances of the light in place of ξ, with the calibration runs that give them their meaning."""
    times, angles = np.round(np.linspace(0.5, 18, 15), 3), np.round(np.linspace(6, 14, 9), 3)
    return simulate(
        [StageEntry(20.0, _DRIVE)],
        [
            SeriesPlan("light_variance", times, 3000, probe_duration=1.0),
            SeriesPlan("polarization", times, 0.005),
            SeriesPlan("transverse_spin", times, 0.01),
            SeriesPlan("coupling", angles, 0.01, probe_duration=1.0),
            SeriesPlan("projection_noise", angles, 3000, noise="gamma"),
            SeriesPlan("shot_noise", np.arange(5.0), 10000),
            SeriesPlan("orientation_beat", np.linspace(0, 40, 81), 0.003),
        ],
        seed=5,
        title="simulated: light variances and calibration runs, d = 55",
        description="Made by the microscopic closure at the paper's fitted parameters; not measured.",
        apparatus={
            "optical_depth": Known(55.0, 2.75),
            "faraday_angle": Known(14.0, 0.1),
            "squeezing_limit": Known(0.16, 0.005),
            "detection_efficiency": Known(0.84, 0.03),
            "quadratic_zeeman": Known(*ZEEMAN),
        },
    )


LIGHTS_OF_FIG2D = frozenset({"drive", "pump", "repump"})
FIG2D = {
    "swap_rate[drive+pump+repump]": 0.122,
    "extra_decay_rate[drive+pump+repump]": 0.148,
    "bath_noise[drive+pump+repump]": 1.78,
    "squeezing_limit": 0.16,
    "detection_efficiency": 0.84,
    "shot_noise_level": 1.0,
    "initial_xi[coherent]": 1.0,
    "initial_xi[noisy]": 2.5,
}
"""Rates that give the paper's γ = 0.27 and γm = 0.83 ms⁻¹ if the filter is ideal and ξ of the steady state 1.05."""
_STARTS = ("coherent", "noisy")


def _fig2d(what: str, series: tuple[Series, ...], records: tuple[RecordSeries, ...], seed: int) -> Any:
    """Two runs from different initial states, with the same lights."""
    experiment = Experiment(
        title=f"simulated: {what}, as Fig. 2d",
        simulated=True,
        description="Made by the model of the continuous measurement, at the paper's γ and γm; not measured.",
        stages=tuple(StageEntry(12.0, LIGHTS_OF_FIG2D, run) for run in _STARTS),
        constant=dict.fromkeys(_STARTS, ConstantRun()),
        series=series,
        records=records,
        apparatus={"squeezing_limit": Known(0.16, 0.005), "detection_efficiency": Known(0.84, 0.03)},
        priors={"initial_xi[coherent]": "lognormal(1, 0.02)", "initial_xi[noisy]": "lognormal(2, 0.5)"},
    )
    needed = FIG2D if records else {k: v for k, v in FIG2D.items() if not k.startswith(("detection", "shot"))}
    return measured(experiment, needed, "microscopic", seed)


def _dissipation() -> Any:
    times = np.round(np.linspace(0, 12, 25), 3)
    series = [SeriesPlan("xi", times, 1500, noise="gamma", name=f"xi-{run}", run=run) for run in _STARTS]
    series.append(SeriesPlan("transverse_spin", times[1:], 0.01, run="coherent"))
    return _fig2d("dissipation alone", tuple(series), (), 6)


def _hybrid() -> Any:
    nothing = np.zeros((2, 200, 120), np.float32)
    records = tuple(RecordSeries(f"record-{run}", nothing, 0.1, run=run) for run in _STARTS)
    return _fig2d("dissipation and measurement", (), records, 7)


def bundled() -> dict[str, Any]:
    """The simulated experiments by name, as DataTrees."""
    rows: list[tuple[str, str, list[StageEntry], float, int]] = [
        ("fig2b-d55", "drive only, d = 55, as Fig. 2b", [StageEntry(20.0, _DRIVE)], 55.0, 1),
        ("fig2b-d35", "drive only, d = 35, as Fig. 2b", [StageEntry(20.0, _DRIVE)], 35.0, 2),
        ("fig2c-pump", "drive and pump, d = 37, as Fig. 2c", [StageEntry(48.0, _PUMPED)], 37.0, 3),
        (
            "fig2c-dark",
            "drive and pump, then dark, d = 37, as the inset of Fig. 2c",
            [StageEntry(8.0, _PUMPED), StageEntry(12.0, _DARK)],
            37.0,
            4,
        ),
    ]
    made = {"laboratory-d55": _laboratory(), "fig2d-dissipation": _dissipation(), "fig2d-hybrid": _hybrid()}
    for name, title, stages, depth, seed in rows:
        made[name] = simulate(
            stages,
            _plans(sum(stage.duration for stage in stages)),
            {"optical_depth": depth, "collective_rate": 0.002 * depth},
            seed=seed,
            title=f"simulated: {title}",
            description="Made by the microscopic closure at the paper's fitted parameters; not measured.",
        )
    return made


PHOTOCURRENT = "photocurrent-slice.h5"


def write_bundled_photocurrent(path: Path) -> None:
    """Eight records of a simulated raw photocurrent at the rates behind Fig. 2d."""
    write_photocurrent(path, PhotocurrentPlan(records=8, length=12.0, period=12.5), seed=6)


if __name__ == "__main__":
    for name, tree in bundled().items():
        save(tree, Path(sys.argv[1]) / name)
    write_bundled_photocurrent(Path(sys.argv[1]) / PHOTOCURRENT)
