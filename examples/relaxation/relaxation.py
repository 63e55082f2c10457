"""Measured T1 and T2 of liquids with a forward model of one's own: seconds, arbitrary units, no atoms of the paper.

python examples/relaxation/relaxation.py
dissentangle fit examples/relaxation/water --load examples/relaxation/relaxation.py --model relaxation
"""

from dataclasses import replace
from pathlib import Path

from dissentangle import inference
from dissentangle.forward_models import Parameter, column

T1 = Parameter("longitudinal_time", "T1", "ms", "positive", "decay along the field", "this example")
T2 = Parameter("transverse_time", "T2", "ms", "positive", "decay across the field", "this example")


@inference.forward_model(
    T1, T2, priors={"longitudinal_time": "lognormal(3000, 1)", "transverse_time": "lognormal(3000, 1)"}
)
def relaxation(evolve, stages, times, initial, parameters, xp):
    """Exponential decays with T1 along the field and T2 across it."""
    along, across = (xp.exp(-times / column(parameters[p.name])) for p in (T1, T2))
    return replace(evolve(stages, times), polarization=along, transverse_spin=across)


if __name__ == "__main__":
    for liquid in ("water", "decane"):
        fit = inference.fit(Path(__file__).parent / liquid, model="relaxation", seed=1)
        for time in (T1, T2):
            draws = fit["posterior"][time.name].values / 1000
            print(f"{liquid}: {time.symbol} = {draws.mean():.3f} ± {draws.std():.3f} s")
