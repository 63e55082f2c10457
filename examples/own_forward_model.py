"""A forward model of one's own, in 20 lines: Γ̃ that is larger at first and relaxes, against the usual constant one.

python examples/own_forward_model.py
dissentangle compare fig2b-d55 --load examples/own_forward_model.py --models microscopic,microscopic+relaxing-dephasing
"""

from dataclasses import replace

from dissentangle import inference
from dissentangle.forward_models import Parameter, Stage, sliced

EXTRA = Parameter("early_dephasing", "ΔΓ̃", "1/ms", "positive", "excess of Γ̃ at the start", "this example")
TIME = Parameter("dephasing_time", "τ", "ms", "positive", "time in which that excess decays", "this example")


@inference.forward_model(
    EXTRA, TIME, priors={"early_dephasing": "lognormal(0.03, 1)", "dephasing_time": "lognormal(4, 0.5)"}
)
def relaxing_dephasing(evolve, stages, times, initial, parameters, xp):
    """Γ̃(t) = Γ̃ + ΔΓ̃ e^{−t/τ}: the cell walls need time to settle."""
    pieces = []
    for stage, middle in sliced(stages, width=2.0):  # constant in steps of 2 ms
        extra = parameters["early_dephasing"] * xp.exp(-middle / parameters["dephasing_time"])
        rates = replace(stage.rates, dephasing_rate=stage.rates.dephasing_rate + extra)
        pieces.append(Stage(stage.duration, rates))
    return evolve(pieces, times)


if __name__ == "__main__":
    found = inference.compare_models("fig2b-d55", ["microscopic", "microscopic+relaxing-dephasing"])
    print(inference.comparison_text(found))
