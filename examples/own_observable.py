"""Another observable and another closure, each a forward model of one's own.

python examples/own_observable.py
dissentangle compare fig2b-d55 --load examples/own_observable.py --models microscopic,microscopic+probe-loss
"""

from dataclasses import replace

from dissentangle import inference
from dissentangle.forward_models import Parameter, column

LOSS = Parameter("probe_loss", "Γprobe", "1/ms", "positive", "loss that only the read-out of P sees", "this example")
SHARE = Parameter("wide_share", "c′", "1", "positive", "noise that a lost atom takes along, over its own", "here")


@inference.forward_model(LOSS, priors={"probe_loss": "lognormal(0.001, 0.5)"})
def probe_loss(evolve, stages, times, initial, parameters, xp):
    """P falls by e^{−Γprobe t} more than the spin does."""
    found = evolve(stages, times)
    return replace(found, polarization=found.polarization * xp.exp(-column(parameters["probe_loss"]) * times))


@inference.forward_model(SHARE, priors={"wide_share": "uniform(0, 2)"})
def wide_closure(evolve, stages, times, initial, parameters, xp):
    """A lost atom takes along from 0 to 2 times its own noise."""
    c = column(parameters["wide_share"])
    stays, leaves = (evolve(stages, times, closure=name) for name in ("fixed-number", "microscopic"))
    mixed = {
        name: (1 - c) * getattr(stays, name) + c * getattr(leaves, name)  # Σ is linear in c, and ξ in Σ
        for name in ("spin_variance", "xi", "epr_variance")
    }
    return replace(stays, **mixed)


if __name__ == "__main__":
    found = inference.compare_models("fig2b-d55", ["microscopic", "microscopic+wide-closure"])
    print(inference.comparison_text(found))
