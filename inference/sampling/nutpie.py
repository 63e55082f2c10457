"""The one place that knows nutpie: machine code in, arrays out. Its model class is not stable: hence it is pinned."""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import NativeDensity
from ..model import SamplerSettings
from ..parallel import available_cores

if TYPE_CHECKING:
    from .mapped_density import MappedDensity

_STATISTICS = {
    "diverging": "diverging",
    "n_steps": "n_steps",
    "tree_depth": "depth",
    "step_size": "step_size",
    "energy": "energy",
    "lp": "logp",
    "acceptance_rate": "mean_tree_accept",
}
"""Names of the ArviZ schema, and nutpie's."""
_POINT = {"point": "unconstrained_draw"}
_WORKER = "nutpie-worker"


def import_nutpie() -> Any:
    """The module nutpie, without ArviZ.

    nutpie imports ArviZ (with matplotlib and scipy.stats: most of its import time) for an output that is not used
    here. While nutpie is imported a stand-in takes its place, which imports ArviZ once something is asked of it.
    """
    if "arviz" not in sys.modules and "nutpie" not in sys.modules:
        stand_in = ModuleType("arviz")
        stand_in.__getattr__ = _of_arviz  # type: ignore[method-assign]
        sys.modules["arviz"] = stand_in
        try:
            import nutpie
        finally:
            del sys.modules["arviz"]
    import nutpie

    return nutpie


def _of_arviz(name: str) -> Any:
    import arviz

    return getattr(arviz, name)


def compiled_by_nutpie(model: Any, **options: Any) -> Any:
    """A `pymc.Model` as nutpie compiles it, with Numba, without which a command may have imported nutpie."""
    import_nutpie()
    import numba  # noqa: F401
    from nutpie import compile_pymc

    if compile_pymc.intrinsic.__module__ == compile_pymc.__name__:  # nutpie's own, in place of Numba's
        compile_pymc = importlib.reload(compile_pymc)
    return compile_pymc.compile_pymc_model(model, backend="numba", **options)


def machine_code_model(
    density: NativeDensity | MappedDensity, data: np.ndarray, start: Callable[[Any], np.ndarray]
) -> Any:
    """The model of a density in machine code, of which a draw reports the variable `natural`.

    data : what the code reads, passed to it by address;  start : the first point of a chain, by its seed
    """
    import_nutpie()
    from nutpie.compile_pymc import CompiledPyMCModel

    expanded = density.expanded
    return CompiledPyMCModel(
        dims={"natural": ("entry",)},
        compiled_logp_func=SimpleNamespace(address=density.logp_address),
        compiled_expand_func=SimpleNamespace(address=density.expand_address),
        initial_point_func=start,
        shared_data={},
        shared_var_keys={},
        user_data=data,
        n_expanded=expanded,
        shape_info=(["natural"], [slice(0, expanded)], [(expanded,)]),
        logp_func=None,
        expand_func=None,
        reparameterized_names=None,
        _n_dim=density.dimension,
        _shapes={"natural": (expanded,)},
        _coords={"entry": np.arange(expanded)},
    )


def nuts(
    compiled: Any,
    settings: SamplerSettings,
    progress: Callable[[Any], None] | None,
    adaptation: str,
    *,
    keep_points: bool = False,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Draws and statistics of nutpie's NUTS, by name, each of the shape (chain, draw, …). Ctrl-C stops at once.

    keep_points : whether the statistics have the sampled coordinates too, `point`
    """
    sample, running = import_nutpie().sample, None
    try:
        with _interrupted_afterwards():
            running = sample(
                compiled,
                blocking=False,
                save_warmup=False,
                progress_bar=False,
                progress_callback=progress,
                return_raw_trace=True,
                adaptation=adaptation,
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=settings.cores or min(settings.chains, available_cores()),
                seed=settings.seed,
                target_accept=settings.target_accept,
                store_unconstrained=keep_points,
            )
        draws, statistics = running.wait().get_arrow_trace()
    except BaseException:
        if running is not None:
            running.cancel()
        _wait_for_workers()
        raise
    kept = [~_column(chain, "tuning") for chain in statistics]
    values = {name: _stacked(draws, name, kept) for name in draws[0].schema.names}
    found, wanted = set(statistics[0].schema.names), _STATISTICS | (_POINT if keep_points else {})
    return values, {ours: _stacked(statistics, name, kept) for ours, name in wanted.items() if name in found}


@contextlib.contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Ctrl-C while the chains start comes after it: before, there is nothing yet by which they could be stopped."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is None:
        yield
        return
    asked = []
    signal.signal(signal.SIGINT, lambda *_: asked.append(True))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if asked:
        signal.raise_signal(signal.SIGINT)


def _wait_for_workers(at_most: float = 5.0) -> None:
    """Let the threads of other chains end, on which nutpie gives no handle: Python must not end before them."""
    tasks, end = Path("/proc/self/task"), time.monotonic() + at_most
    if not tasks.is_dir():  # not Linux: as long as the chains usually take to notice
        time.sleep(0.5)
        return
    while time.monotonic() < end and any(_name(task).startswith(_WORKER) for task in tasks.iterdir()):
        time.sleep(0.01)


def _name(task: Path) -> str:
    try:
        return (task / "comm").read_text()
    except OSError:  # it has just ended
        return ""


def _stacked(chains: list[Any], name: str, kept: list[np.ndarray]) -> np.ndarray:
    return np.stack([_column(chain, name)[keep] for chain, keep in zip(chains, kept, strict=True)])


def _column(chain: Any, name: str) -> np.ndarray:
    """A column of an Arrow table, with the shape of the variable."""
    import pyarrow

    column = chain.column(name)
    shape = (column.field.metadata or {}).get(b"shape", b"").decode()
    array = pyarrow.array(column)
    flat = array.flatten() if hasattr(array, "flatten") else array
    values = flat.to_numpy(zero_copy_only=False)
    return np.asarray(values.reshape(len(array), *(int(n) for n in shape.split(",") if n)))
