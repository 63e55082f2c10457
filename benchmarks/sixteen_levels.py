"""What sixteen levels say of the paper: tables of docs/understand/sixteen-levels.md, but for the fits. Takes seconds.

python benchmarks/sixteen_levels.py
python benchmarks/sixteen_levels.py speed                     compiling, gradient, fit against three states: minutes
python benchmarks/sixteen_levels.py published                 fits of the nine published numbers: minutes
python benchmarks/sixteen_levels.py bias 100 [experiment]     three states fitted to data of sixteen levels: minutes
python benchmarks/sixteen_levels.py named 8                   how often such fits name sixteen levels: minutes
"""

import sys
import time
from collections import Counter
from dataclasses import replace

import numpy as np

from dissentangle import datasets, inference
from dissentangle.datasets.prediction import rates_of
from dissentangle.forward_models import (
    InitialState,
    Rates,
    SixteenLevelRates,
    Stage,
    atoms_at,
    dephasing_floor,
    entanglement,
    evolve,
    polarization_decay_time,
    steady_state,
    transverse_spin_decay_time,
)
from dissentangle.forward_models.sixteen_level import drive
from dissentangle.inference.checks import assess
from dissentangle.inference.model import pose
from dissentangle.inference.sampling.prepared import prepared

CLOSURES = ("microscopic", "fixed-number")
THREE = Rates(0.11, 0.002, 0.16, 0.002, 0.0264, 0.0, 0.0, 0.193)
"""Paper's parameters, d = 55."""
GIVEN = SixteenLevelRates(0.11, 0.002, 0.16, 0.017, 0.0, 0.0, 0.0, 0.193, atoms_at())
"""The paper's Γ, d, Γ̃; R gives T1 = 130 ms in the dark."""
FITTED = SixteenLevelRates(0.0907, 0.0018, 0.16, 0.045, 0.0, 0.0, 0.0, 0.2414, atoms_at())
"""Variant A of the fit to the published numbers by least squares."""
VARIANTS = {"three states": "three-state", "A": "sixteen-level", "A′": "sixteen-level+excess-loss",
            "B": "sixteen-level+free-radiative-rate", "uniform": "sixteen-level+uniform-collisions"}  # fmt: skip
BEGIN = {"three": InitialState(0.01), "given": InitialState(0.01), "fitted": InitialState(0.0084)}


def column(rates, initial, dark, pump):
    """The column of one model: `dark` and `pump` are its rates in the dark and with the pump at d = 37."""
    run, at15 = [Stage(40.0, rates)], np.array([15.0])
    now = evolve(run, at15, initial)
    rows = {
        "T1 with drive": f"{polarization_decay_time(rates, InitialState(0.0)):.1f}",
        "T2 with drive": f"{transverse_spin_decay_time(rates, InitialState(0.0)):.2f}",
        "o(15 ms)": f"{now.orientation[0]:.3f}",
        "n43, n42, F3 at 15 ms": levels(now),
        "T1 in the dark": f"{polarization_decay_time(dark, InitialState(0.0)):.0f}",
    }
    both = [entanglement(run, initial, closure) for closure in CLOSURES]
    rows["min ξ, d = 55"] = " / ".join(f"{e.xi_minimum:.3f}" for e in both)
    rows["ξ < 1 until, d = 55"] = " / ".join(f"{e.entanglement_duration:.1f}" for e in both)
    shallow = [Stage(40.0, replace(rates, collective_rate=rates.collective_rate * 35 / 55))]
    ends = [entanglement(shallow, initial, closure).entanglement_duration for closure in CLOSURES]
    rows["ξ < 1 until, d = 35"] = " / ".join(f"{e:.1f}" for e in ends)
    pumped = [Stage(100.0, pump)]
    found = [(evolve(pumped, [40.0], initial, c).xi[0], entanglement(pumped, initial, c)) for c in CLOSURES]
    rows["2c: ξ(40), ξ < 1 until"] = " / ".join(f"{xi:.3f}, {e.entanglement_duration:.1f}" for xi, e in found)
    rows["Γ̃ in 2c"] = f"{pump.dephasing_rate:.3f}"
    return rows


def levels(now):
    populations = now.populations[0]
    if len(populations) == 3:
        return f"{populations[1]:.3f}, –, {populations[2]:.3f}"
    return f"{populations[1]:.3f}, {populations[2]:.4f}, {populations[9:].sum():.3f}"


def table():
    shallower, pure = {"collective_rate": 0.074, "pump_rate": 0.168}, 0.193 - dephasing_floor(GIVEN)
    three_pumped = replace(THREE, **shallower, dephasing_rate=0.233)
    given_pumped = with_floor(replace(GIVEN, **shallower), pure)
    fitted_dark = replace(FITTED.with_lights((), 0.05), collision_rate=0.017)
    fitted_pumped = with_floor(replace(FITTED, collective_rate=0.061, pump_rate=0.146), 0.166)
    of = {
        "three states": (THREE, BEGIN["three"], THREE.with_lights((), 0.05), three_pumped),
        "16, paper's Γ, d, Γ̃": (GIVEN, BEGIN["given"], GIVEN.with_lights((), 0.05), given_pumped),
        "16, fit A": (FITTED, BEGIN["fitted"], fitted_dark, fitted_pumped),
    }
    columns = {name: column(*rates) for name, rates in of.items()}
    print("| | " + " | ".join(columns) + " |")
    for row in columns["three states"]:
        print(f"| {row} | " + " | ".join(one[row] for one in columns.values()) + " |")


def with_floor(rates, pure):
    return replace(rates, dephasing_rate=dephasing_floor(rates) + pure)


def drive_table():
    for temperature in (0.0, 300.0):
        light = drive(850.0, temperature)
        r = light.rate
        print(f"{temperature:g} K: μ² {r[0, 1]:.4f} ν² {r[1, 0]:.4f} 44→F3 {r[9:, 0].sum():.3f}", end=" ")
        print(f"43→F3 {r[9:, 1].sum():.3f} 44 scatters {r[:, 0].sum():.2f} Γ̃ floor {light.dephasing:.2f}", end=" ")
        print(f"Z {light.squeezing_limit:.4f} coherent {light.coherent_fraction:.3f}", end=" ")
        print(f"shifts {light.shift:.1f} {light.quadratic_shift:.1f} rad")


def thresholds():
    """dΓ/Γ from which the steady state with pump and repump is entangled."""
    for pump in (0.168, 0.05, 0.02):
        rates = with_floor(replace(GIVEN, collision_rate=0.017, pump_rate=pump, repump_rate=0.2), 0.1)
        print(f"Γpump {pump}: dΓ/Γ > {steady_state(rates).threshold / rates.radiative_rate:.1f}")


def speed():
    """CPU time until the model is compiled, of a gradient at z = 0, and of a fit with the model that is compiled."""
    for name in ("fig2b-d55", "fig2c-pump", "krauter2011-published"):
        for model in ("three-state", "sixteen-level"):
            begin = time.process_time()
            density = prepared(pose(name, model=model).measured).compiled
            ready, points = time.process_time() - begin, np.zeros((1000, density.density.dimension))
            rounds = []
            for _ in range(5):
                begin = time.process_time()
                density.density(points, density.data)
                rounds.append(1e3 * (time.process_time() - begin))
            begin = time.process_time()
            inference.fit(name, model=model, seed=1, cores=1)
            whole = time.process_time() - begin
            print(
                f"{name} {model}: ready {ready:.1f} s, gradient {np.median(rounds):.0f} µs, fit {whole:.1f} s",
                flush=True,
            )


def published():
    """Of each published number and variant the 89 % predictive interval (noise included), bold where it misses it."""
    given = datasets.read("krauter2011-published")
    numbers = [replace(one, excluded="") for one in given.observations]
    rows = {f"{one.label} | {one.value:g} ± {one.sigma:g}": [] for one in numbers}
    for model in VARIANTS.values():
        fit = inference.fit(replace(given, observations=tuple(numbers)), model=model, seed=1, cores=1)
        predicted = fit["posterior_predictive"].dataset["observations"]
        for one, cells in zip(numbers, rows.values(), strict=True):
            low, high = np.quantile(predicted.sel(observation=one.label).values, [0.055, 0.945])
            cell = f"{low:.4g} to {high:.4g}"
            cells.append(cell if low <= one.value <= high else f"**{cell}**")
        print(model, fit.status, flush=True)
    print("| | published | " + " | ".join(VARIANTS) + " |")
    for row, cells in rows.items():
        print(f"| {row} | " + " | ".join(cells) + " |")


def bias(sets, name="fig2b-d55"):
    """How far off the rates of three states are, in %, and how often their 89 % interval has the true value."""
    of, found, verdicts = datasets.read(name), {}, Counter()
    for seed in range(sets):
        made = datasets.simulate_like(of, {"temperature": 300.0}, seed=seed)
        fit = inference.fit(made, seed=seed, draws=300, cores=1)
        truth = datasets.read(made).truth.parameters
        for label, true in true_rates(truth, datasets.read(made).stages[0]).items():
            draws = fit["posterior"][label.partition("[")[0]].values.ravel()
            low, middle, high = np.quantile(draws, [0.055, 0.5, 0.945])
            found.setdefault(label, []).append((middle / true - 1, (middle - true) / draws.std(), low <= true <= high))
        verdicts[fit.status] += 1
        if seed % 10 == 9 or seed == sets - 1:
            for label, rows in found.items():
                off, z, inside = np.array(rows).T
                size = f"{100 * np.median(off):+.0f} % [{100 * off.min():+.0f}, {100 * off.max():+.0f}]"
                print(
                    f"{seed + 1} {label}: {size}, z {z.mean():+.1f} ± {z.std():.1f}, inside {100 * inside.mean():.0f} %"
                )
            print(verdicts, flush=True)


FAULTS = {"gain_drift[polarization]": 0.05, "offset[polarization]": 0.02, "time_offset[xi]": 0.5,
          "offset_drift[xi]": 0.1, "larmor_mismatch": 0.02, "pump_leak_rate": 0.04}  # fmt: skip


def named(seeds):
    """How often a fit of three states names sixteen levels: where there are sixteen, and where there is a fault."""
    made = {f"sixteen levels, {name}": (name, "sixteen-level", {}) for name in ("fig2b-d55", "fig2c-dark")}
    made |= {fault: ("fig2b-d55", "", {fault: size}) for fault, size in FAULTS.items()}
    for what, (name, model, given) in made.items():
        found = 0
        for seed in range(seeds):
            data = datasets.simulate_like(datasets.read(name), given, seed=seed, model=model)
            fit = inference.fit(data, seed=1, draws=250, chains=2, cores=1, closure="microscopic")
            found += any("sixteen-level" in step for step in assess(fit).next_steps)
        print(f"{what}: named in {found} of {seeds}", flush=True)


def true_rates(truth, stage):
    """dΓ, Γ̃, Γ of the simulation, and the Γcol whose T1 is that of its R (1.25 Γcol = 0.453 R)."""
    rates, kind = rates_of(truth, stage), stage.label
    return {"collective_rate": rates.collective_rate, f"dephasing_rate[{kind}]": rates.dephasing_rate,
            "radiative_rate": rates.radiative_rate, "collision_rate": 0.453 / 1.25 * rates.collision_rate}  # fmt: skip


if __name__ == "__main__" and sys.argv[1:2] == ["bias"]:
    bias(int(sys.argv[2]), *sys.argv[3:])
elif __name__ == "__main__" and sys.argv[1:2] == ["named"]:
    named(int(sys.argv[2]))
elif __name__ == "__main__" and sys.argv[1:2] in (["published"], ["speed"]):
    {"published": published, "speed": speed}[sys.argv[1]]()
elif __name__ == "__main__":
    drive_table()
    table()
    thresholds()
    uniform = replace(GIVEN, collision_rate=0.00048, tables=atoms_at(uniform=True))
    print(f"uniform collisions, T1 dark 130 ms: o(15 ms) = {evolve([Stage(20.0, uniform)], [15.0]).orientation[0]:.3f}")
