"""Which closure do data like those of Fig. 2b want? Two fits, prediction, evidence, a page.

python examples/compare_closures.py [EXPERIMENT] [FOLDER]
"""

import sys

from dissentangle import inference

experiment = sys.argv[1] if len(sys.argv) > 1 else "fig2b-d55"
folder = sys.argv[2] if len(sys.argv) > 2 else "closures"

fits = {name: inference.fit(experiment, model=name) for name in ("microscopic", "fixed-number")}
found = inference.compare(fits)
print(inference.comparison_text(found))
for path in inference.write_comparison(found, folder):
    print("written:", path)

# What both say of the rate that matters, and what one says who does not know which of them is true:
weights = {model.name: model.weight for model in found.models}
for name, fit in fits.items():
    rate = fit["posterior"]["collective_rate"]
    print(f"{name}: dΓ = {float(rate.mean()):.4f} ± {float(rate.std()):.4f} per ms, weight {weights[name]:.2f}")
