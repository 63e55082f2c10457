"""Makes the bundled simulated experiments anew: `python -m dissentangle.datasets.make_bundled FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from .experiment import Known, StageEntry
from .load import save
from .simulate import SeriesPlan, simulate
from .simulate_photocurrent import PhotocurrentPlan, write_photocurrent

_DRIVE, _PUMPED, _DARK = frozenset({"drive"}), frozenset({"drive", "pump"}), frozenset[str]()


def _plans(end: float) -> list[SeriesPlan]:
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
            "quadratic_zeeman": Known(0.0226, 0.002),
        },
    )


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
    made = {"laboratory-d55": _laboratory()}
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
