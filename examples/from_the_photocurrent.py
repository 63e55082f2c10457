"""From a raw photocurrent to ξ with and without the record: a simulated measurement, demodulated and fitted.

python examples/from_the_photocurrent.py [FOLDER] [REPETITIONS]
"""

import sys
from pathlib import Path

from dissentangle import datasets, inference
from dissentangle.datasets import ConstantRun, Experiment, Known, PhotocurrentPlan, StageEntry

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "photocurrent")
repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 600
folder.mkdir(exist_ok=True)

# One detector at 1 MHz, once with atoms and once without; in a lab these two files are there already.
datasets.write_photocurrent(folder / "atoms.h5", PhotocurrentPlan(records=repetitions), seed=1)
datasets.write_photocurrent(folder / "light.h5", PhotocurrentPlan(records=repetitions, atoms=False), seed=2)

records = datasets.demodulate(
    folder / "atoms.h5", larmor="322 kHz", interval="0.1 ms", length="10 ms", shot_noise=folder / "light.h5"
)
line = datasets.larmor_frequency(records)
if line is not None:
    print(f"Larmor frequency: {line.offset:+.1f} ± {line.offset_error:.1f} Hz from the reference")

experiment = Experiment(
    title="simulated photocurrent",
    simulated=True,
    stages=(StageEntry(10.0, frozenset({"drive", "pump", "repump"})),),
    constant={"main": ConstantRun()},  # γs, γextra and n_b are unknowns themselves
    records=(datasets.record_series(records),),
    apparatus={"squeezing_limit": Known(0.16, 0.005), "detection_efficiency": Known(0.84, 0.03)},
    priors={"initial_xi": "lognormal(1, 0.02)"},  # every record begins with a coherent state
)
fit = inference.fit(experiment, seed=1)
print(fit.attrs["verdict"])
for name in ("unconditional_xi", "steady_conditional_xi"):
    draws = fit["derived"][name]
    print(f"{name}: {float(draws.median()):.2f} ± {float(draws.std()):.2f}")
inference.plot(fit, "fig2d", folder / "fig2d.pdf")
print("written:", folder / "fig2d.pdf")
