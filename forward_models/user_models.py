"""Forward models that users add with a plain function, and the choice between them and the closed form (`Dynamics`).

The equations of the paper are in `three_state` (ξ(t), (S.3): `three_state/observables.py`) and in `light`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from .atoms import entanglement, evolve, fastest_of, has_sixteen_levels
from .choices import Closure, CoupledSpin
from .three_state import (
    Entanglement,
    InitialState,
    RateBounds,
    Stage,
    Trajectory,
    TransverseSpin,
    sampled_entanglement,
    search_times,
    stage_columns,
)
from .validation import InvalidValue

Values = Mapping[str, Any]
LOSS_NOISE_SHARE = "loss_noise_share"
"""The parameter c of the open closure."""
_FINER = 8
"""Points for one of the closed form, where derivatives are not known."""


@dataclass(frozen=True)
class ForwardModel:
    """A forward model of a user.

    function : (evolve, stages, times, initial, parameters, xp) → Trajectory; `evolve(stages, times)` is the closed
        form with everything else set, for models that only change the stages, see `sliced`; another closure, or c, is
        `evolve(stages, times, closure=…)`. Parameters are numbers,
        symbols or draws (n,); `column` makes what goes with times
    parameters : names of the parameters it has beyond the rates, rows of the table `PARAMETERS`
    """

    function: Callable[..., Trajectory]
    parameters: tuple[str, ...] = ()


FORWARD_MODELS: dict[str, ForwardModel] = {}
"""Those that were added, by name."""


@dataclass(frozen=True)
class Dynamics:
    """How rates become observables: choices that the paper leaves open, and users' models.

    closure : of the spin variance: "microscopic" (c = 1), "fixed-number" (c = 0), or "open", where the share c of the
        projection noise that a lost atom takes along is a parameter, `loss_noise_share`
    transverse_spin : decay of Jy, "integrated" or "quasi-static"
    forward_model : name of a model of `FORWARD_MODELS`; "" for the closed form
    coupled_spin : of the atoms that a probe reads out, "two-level" or "mean-spin", see `light.coupled_spin`

    Raises
    ------
    InvalidValue : for a forward model that nobody added
    """

    closure: Closure = "microscopic"
    transverse_spin: TransverseSpin = "integrated"
    forward_model: str = ""
    coupled_spin: CoupledSpin = "two-level"

    def __post_init__(self) -> None:
        if self.forward_model and self.forward_model not in FORWARD_MODELS:
            known = ", ".join(FORWARD_MODELS) or "none"
            raise InvalidValue(
                f"forward model {self.forward_model!r}: not known ({known}); load the file that adds it: --load FILE"
            )

    @property
    def parameters(self) -> tuple[str, ...]:
        """Parameters beyond the rates."""
        own = (LOSS_NOISE_SHARE,) if self.closure == "open" else ()
        return own + (FORWARD_MODELS[self.forward_model].parameters if self.forward_model else ())

    def noise_share(self, parameters: Values) -> Any:
        """The share c of the closure, from the parameters beyond the rates where it is one of them."""
        return parameters[LOSS_NOISE_SHARE] if self.closure == "open" else self.closure

    def evolve(
        self,
        stages: Sequence[Stage],
        times: Any,
        initial: InitialState,
        parameters: Values,
        *,
        rate_bounds: RateBounds | None = None,
        accuracy: float = 1e-12,
        xp: Any = np,
    ) -> Trajectory:
        """The observables at `times` (T,), ms; arguments as for `evolve`.

        parameters : values of `self.parameters`, by name

        Raises
        ------
        InvalidValue : as `evolve`; and, with the name of the model, for what a user's function raises or returns
        """
        given: dict[str, Any] = {"transverse_spin": self.transverse_spin, "accuracy": accuracy, "xp": xp}
        if not self.forward_model:
            return evolve(stages, times, initial, self.noise_share(parameters), rate_bounds=rate_bounds, **given)
        bounds = None if rate_bounds is None else rate_bounds.for_all()
        closure = self.noise_share(parameters)
        closed_form = partial(evolve, initial=initial, closure=closure, rate_bounds=bounds, **given)
        where = f"forward model {self.forward_model}"
        try:
            found = FORWARD_MODELS[self.forward_model].function(closed_form, stages, times, initial, parameters, xp)
        except Exception as error:
            draws = ": a parameter has a value per draw, column(parameters[…]) goes with times"
            hint = draws if "broadcast" in str(error) else ""
            raise InvalidValue(f"{where}: {type(error).__name__}: {error}{hint}") from error
        if not isinstance(found, Trajectory):
            raise InvalidValue(f"{where}: returned {type(found).__name__}, expected a Trajectory")
        if xp is np and np.shape(found.xi)[-1:] != np.shape(times):
            raise InvalidValue(f"{where}: gives {np.shape(found.xi)[-1:]} values for {len(times)} times")
        return found

    def entanglement(
        self,
        stages: Sequence[Stage],
        initial: InitialState,
        parameters: Values,
        *,
        resolution: int = 2001,
        accuracy: float = 1e-12,
    ) -> Entanglement:
        """Minimum of ξ and the duration of entanglement; arguments and errors as for `entanglement` and `evolve`.

        Where the slopes are not known (a user's model, a Larmor mismatch), from eight times as many points.
        """
        turning = not has_sixteen_levels(stages[0].rates) and stage_columns(stages).mismatch is not None
        if not self.forward_model and not turning:
            closure = self.noise_share(parameters)
            return entanglement(stages, initial, closure, resolution=resolution, accuracy=accuracy)
        durations = np.array([float(stage.duration) for stage in stages])
        times, _ = search_times(durations, fastest_of(stages)[0], _FINER * resolution)
        return sampled_entanglement(times, self.evolve(stages, times, initial, parameters, accuracy=accuracy))


def add_forward_model(name: str, function: Callable[..., Trajectory], parameters: Sequence[str] = ()) -> None:
    """Make a user's forward model known under a name; one of the same name is replaced.

    function : (evolve, stages, times, initial, parameters, xp) → Trajectory, see `ForwardModel`
    parameters : names of rows of the table `PARAMETERS`, which the function gets as a mapping from name to value
    """
    FORWARD_MODELS[name] = ForwardModel(function, tuple(parameters))


def sliced(stages: Sequence[Stage], width: float) -> list[tuple[Stage, float]]:
    """The stages cut into pieces of at most `width` ms, each with the time of its middle, ms.

    For rates that change with time: constant in each piece, with an error of the order width².
    """
    pieces, begin = [], 0.0
    for stage in stages:
        count = int(np.ceil(stage.duration / width - 1e-9))
        step = stage.duration / count
        pieces += [(Stage(step, stage.rates), begin + (k + 0.5) * step) for k in range(count)]
        begin += stage.duration
    return pieces
