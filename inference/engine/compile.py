"""From a PyMC model to machine code that can be sampled, with data that can be exchanged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .coordinate_map import Coordinates, plain
from .native import NativeDensity
from .numbers import Data
from .program import Lanes, Program
from .translation import NotTranslatable, Translation


@dataclass(frozen=True)
class Start:
    """PyMC's initial point: a label `name` or `name[entry]` for each unconstrained number, and what they are.

    labels : of each unconstrained number;  centre : their values, (dimension,)
    shapes : of the value variables, in the order of `model.free_RVs`
    """

    labels: list[str]
    centre: np.ndarray
    shapes: list[tuple[int, ...]]


@dataclass(frozen=True)
class CompiledModel:
    """A model in machine code, to be sampled any number of times.

    density : log-density and gradient of the sampled coordinates, see `NativeDensity`
    names, shapes : of the parameters and deterministics that a draw reports, in the order of the model
    data : the numbers that the code reads, constants and data, (size,)
    """

    density: NativeDensity
    names: list[str]
    shapes: list[tuple[int, ...]]
    data: np.ndarray

    def with_data(self, new: Mapping[str, np.ndarray]) -> CompiledModel:
        """The same code for other values of the model's `pm.Data`, by name.

        Raises
        ------
        ValueError : for an unknown name, another shape, and data on which an index or a shape depends
        """
        return replace(self, data=self.density.numbers.read(new))


def start_of(model: Any) -> Start:
    """The initial point of a `pymc.Model`, on the unconstrained scale."""
    values = _initial_values(model)
    labels: list[str] = []
    for rv, value in zip(model.free_RVs, values, strict=True):
        if np.ndim(value) == 0:
            labels.append(rv.name)
        else:
            dims = model.named_vars_to_dims.get(rv.name)
            entries = model.coords[dims[0]] if dims and np.ndim(value) == 1 else range(np.size(value))
            labels += [f"{rv.name}[{entry}]" for entry in entries]
    return Start(labels, np.concatenate([np.ravel(value) for value in values]), [np.shape(value) for value in values])


def _initial_values(model: Any) -> list[np.ndarray]:
    """PyMC's initial point, variable by variable, without compiling a function for it where that can be done."""
    from pymc.initial_point import make_initial_point_expression

    graphs = make_initial_point_expression(
        free_rvs=model.free_RVs,
        rvs_to_transforms=model.rvs_to_transforms,
        initval_strategies=model.rvs_to_initial_values,
        return_transformed=True,
    )
    try:
        values = Translation(Program(0)).values(graphs, {})
    except NotTranslatable:  # a start drawn at random
        point = model.initial_point()
        return [np.asarray(point[variable.name]) for variable in model.value_vars]
    return [value.value if isinstance(value, Data) else value for value in values]


def compile_model(model: Any, start: Start | None = None, coordinates: Coordinates | None = None) -> CompiledModel:
    """The model's log-density, its gradient and the natural parameters, in machine code.

    model : a `pymc.Model`
    start : its initial point, where it is known already
    coordinates : what is sampled; by default PyMC's unconstrained parameters, counted from the start

    Raises
    ------
    NotTranslatable : for a model with an operation that is not covered; the text names it
    """
    start = start or start_of(model)
    chosen = coordinates or plain(start.centre)
    density, logp, expansion, natural = programs(model, start, chosen)
    code = NativeDensity.compiled(density, logp, expansion, natural)
    names = [variable.name for variable in natural_variables(model)]
    return CompiledModel(code, names, [value.shape for value in natural], code.data)


def programs(model: Any, start: Start, chosen: Coordinates) -> tuple[Program, Lanes, Program, list[Lanes]]:
    """The two programs of a model and their results: log-density (a scalar), and `natural_variables`."""
    import pytensor

    density, expansion = Program(chosen.dimension), Program(chosen.dimension)
    several = repeated([*model.basic_RVs, *model.deterministics, *model.potentials])
    with pytensor.config.change_flags(traceback__limit=0):  # else it notes where each node was made
        graph, wanted = model.logp(), natural_variables(model)
    translation = Translation(density, several)
    (logp,) = _translated(translation, [graph], model.value_vars, start.shapes, _unconstrained(density, chosen))
    if chosen.log_volume:
        logp = Lanes((), logp.entry + chosen.log_volume(_unconstrained(density, chosen)))
    translation = Translation(expansion, several)
    natural = _translated(translation, wanted, model.value_vars, start.shapes, _unconstrained(expansion, chosen))
    return density, logp, expansion, natural


def repeated(outputs: Sequence[Any]) -> frozenset[Any]:
    """Operations with a graph of their own that come several times: the forward model of members of a joint fit.

    outputs : as a model was written; a log-density has copies of one and the same node
    """
    from pytensor.compile.builders import OpFromGraph
    from pytensor.graph.traversal import ancestors

    nodes = {variable.owner for variable in ancestors(outputs) if variable.owner is not None}
    count = Counter(node.op for node in nodes if isinstance(node.op, OpFromGraph))
    return frozenset(op for op, times in count.items() if times > 1)


def _unconstrained(program: Program, coordinates: Coordinates) -> list[Any]:
    """The unconstrained parameters as expressions of the program's inputs, the sampled coordinates."""
    return coordinates.apply([program.input(k) for k in range(coordinates.dimension)])


def _translated(
    translation: Translation, outputs: list[Any], inputs: list[Any], shapes: list[tuple[int, ...]], u: list[Any]
) -> list[Lanes]:
    """The graphs `outputs` as values of the program, where `u` are the entries of the variables `inputs`."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    given = {
        variable: translation.stacked([Lanes((), entry) for entry in u[end - int(np.prod(shape)) : end]], shape)
        for variable, shape, end in zip(inputs, shapes, ends, strict=True)
    }
    return [translation.lanes(value) for value in translation.values(outputs, given)]


def natural_variables(model: Any) -> list[Any]:
    """Graphs of all parameters and deterministics in natural units, as functions of the unconstrained values."""
    names = {variable.name for variable in model.unobserved_RVs}
    return [variable for variable in model.unobserved_value_vars if variable.name in names]
