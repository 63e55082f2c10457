"""What the posterior owes to each prior, to each series, and to each calibration constant."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...datasets.experiment import Label
from ..fits import Fit
from .calibration_sensitivity import CalibrationSensitivity, calibration_sensitivity
from .prior_sensitivity import THRESHOLD, PowerScaling, Sensitivity, power_scaling, prior_sensitivity

if TYPE_CHECKING:
    from xarray import DataTree


@dataclass(frozen=True)
class Sensitivities:
    """calibration : shifts of the rates when a constant is off by one standard deviation

    together : power scaling of all priors, and of the likelihood, for every posterior
    apart : of each prior, and of each series, for the rates
    """

    calibration: CalibrationSensitivity
    together: tuple[Sensitivity, ...]
    apart: PowerScaling

    def facts(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "calibration": self.calibration.facts(),
            "power_scaling": [asdict(row) | {"words": row.words} for row in self.together],
            "by_prior": {
                label: dict(zip(self.apart.priors, row.tolist(), strict=True))
                for label, row in zip(self.apart.labels, self.apart.by_prior, strict=True)
            },
            "by_series": {
                label: dict(zip(self.apart.series, row.tolist(), strict=True))
                for label, row in zip(self.apart.labels, self.apart.by_series, strict=True)
            },
            "threshold": THRESHOLD,
        }


def sensitivity(fit: DataTree, *, refit: bool = True, cores: int | None = None) -> Sensitivities:
    """Sensitivity of a fit to its priors, its series and its calibration constants.

    refit : whether to fit again with a shifted prior where reweighting the draws fails (k̂ > 0.7)
    """
    fitted = Fit(fit)
    rates = [label for label in fitted.by_label(derived=True) if Label.parse(label).is_rate]
    return Sensitivities(
        calibration_sensitivity(fitted, refit=refit, cores=cores),
        tuple(prior_sensitivity(fitted)),
        power_scaling(fitted, rates),
    )
