"""PyTensor graphs as loops of machine code: values, gradients and exchanged data against PyTensor."""

import re
from pathlib import Path

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.builders import OpFromGraph

from dissentangle.datasets import read
from dissentangle.inference.engine.compile import compile_model, repeated, start_of
from dissentangle.inference.engine.native import NativeDensity, assembled
from dissentangle.inference.engine.program import Lanes, Program
from dissentangle.inference.engine.steps import listing
from dissentangle.inference.engine.translation import NotTranslatable, Translation
from dissentangle.inference.model.problem import Problem
from dissentangle.inference.model.pymc_model import data_of, model_of
from dissentangle.inference.model.settings import ModelSettings

from ...graphs import PLAIN
from ...seeds import seed

SIZE = 6
WEIGHTS = np.linspace(-1.0, 2.0, SIZE)
TABLE = np.arange(12.0).reshape(3, 4) / 7
ORDER = np.array([4, 1, 1, 5, 0])


def graphs():
    x = pt.dvector("x", shape=(SIZE,))
    column, row = x[:3, None], x[2:, None].T
    yield "one entry", x, x[3] ** 2 + x[3]
    yield "gathers", x, (x[ORDER] * x[::-1][:5] * np.arange(5)).sum()
    yield "two dimensions", x, (pt.exp(-(column * row)) * TABLE).sum()
    yield "a sum over one axis", x, (((column + row) * TABLE).sum(axis=0) ** 2).sum()
    yield (
        "logarithm of one minus a logistic function",
        x,
        pt.log1p(-pt.sigmoid(-x)).sum() + pt.log1p(-pt.sigmoid(x)).sum(),
    )
    yield "a sum over the other axis", x, pt.log1p(((column * row) ** 2 * TABLE).sum(axis=1)).sum()
    yield "cumulative sums", x, (pt.cumsum(pt.exp(x) * WEIGHTS)[1:] * pt.cumsum(x**2)[:-1]).sum()
    yield "joins", x, (pt.concatenate([x[:2], pt.sin(x), WEIGHTS])[3:] ** 2).sum()
    yield "joined columns", x, (pt.concatenate([column * TABLE, column**2], axis=1) ** 2)[:, 1:].sum()
    yield "stacks", x, (pt.stack([x[0] * x[1], pt.tanh(x[2]), 2.0]) * np.array([1.0, -2.0, x.type.shape[0]])).sum()
    yield "a reshape", x, (x.reshape((2, 3)).T * TABLE[:, :2] / (1 + x[0] ** 2)).sum()
    yield "choices", x, pt.switch(pt.gt(x, 0.3), pt.sqrt(abs(x) + 1), pt.expm1(x) * WEIGHTS).sum()
    yield "a product of two", x, x[:2].prod() + x[4:5].prod()
    yield "extremes", x, x.max() * x[:3].min() + pt.maximum(x, 0.2).sum()
    yield "repetition", x, (pt.broadcast_to(x[1] * 2, (4,)) * TABLE[0] * x[:4]).sum()
    yield "logarithms of the Gamma function", x, (pt.gammaln(pt.exp(3 * x)) * WEIGHTS**2).sum()
    yield "an operation that was added as docs/reference/engine.md says", x, (pt.arctan(3 * x) * WEIGHTS).sum()
    yield "a function of a whole number", x, (pt.log(2) * x + pt.log(3) * x**2).sum()
    yield "signs", x, (pt.sign(x) * x).sum()
    square = np.sin(np.arange(SIZE**2.0)).reshape(SIZE, SIZE)
    yield "a matrix times a vector", x, (pt.dot(square, pt.exp(x)) ** 2 * WEIGHTS).sum()
    yield "a vector times a matrix", x, (pt.sin(pt.dot(x[ORDER], square[:5, :3])) ** 2).sum()
    yield "a matrix of few rows", x, (pt.as_tensor(square[:2]) @ x**2).prod() + (pt.as_tensor(square[:1]) @ x)[0] ** 2
    yield "numbers times columns", x, (pt.as_tensor(square[:, :3]) @ (column * row) * WEIGHTS[:, None]).sum() ** 2
    yield "rows times numbers", x, ((column * row) @ pt.as_tensor(TABLE.T[:, :2]) * TABLE[:, :2]).sum() ** 2
    yield "a scalar product", x, pt.dot(x, WEIGHTS) ** 3 + pt.dot(x, pt.exp(x))
    yield "a product of unknowns", x, ((column * row) @ x.reshape((3, 2))[[0, 1, 2, 1]] * TABLE[:, 1:3]).sum()
    yield "a matrix twice", x, (pt.dot(square, pt.tanh(pt.dot(square, x))) ** 2).sum()
    a, b, unused = pt.dscalars("a", "b", "unused")
    curves = [pt.cumsum(pt.exp(a * WEIGHTS)) * b, a * b, pt.as_tensor(WEIGHTS) * 2.0, b]
    part = OpFromGraph([a, b, unused], curves, inline=True, on_unused_input="ignore")
    one, other, third = part(x[0], x[1] * x[2], x[3]), part(x[2] ** 2, x[0], x[0]), part(0.3, x[4], x[5])
    yield "a part three times", x, sum((v * w).sum() for v, w in zip(one, other, strict=True)) + third[0].prod()
    outer = OpFromGraph([a, b], [part(b, a, a)[0].sum() + part(a, b, b)[1]], inline=True)
    yield "a part in a part, twice", x, outer(x[0], x[5]) * outer(x[1], x[0] + x[5])
    constant = OpFromGraph([a], [pt.as_tensor(WEIGHTS)], inline=True, on_unused_input="ignore")
    yield "a part on which nothing depends", x, (x * constant(x[0]) * constant(x[1])).sum()
    vector = OpFromGraph([x], [pt.exp(x)], inline=True)
    yield "a part of arrays", x, (vector(x) * vector(x**2)).sum()
    yield "the same exponential twice", x, (pt.exp(x) * WEIGHTS).sum() + pt.exp(x)[2] ** 2


CASES = list(graphs())


@pytest.mark.parametrize(("x", "result"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_values_and_gradients_are_those_of_pytensor(x, result):
    program, nothing = Program(SIZE), Program(SIZE)
    translation = Translation(program, repeated([result]))
    inputs = translation.stacked([Lanes((), program.input(k)) for k in range(SIZE)], (SIZE,))
    (value,) = translation.values([result], {x: inputs})
    code = NativeDensity.compiled(program, value, nothing, [Lanes((), nothing.input(0))])
    exact = pytensor.function([x], [result, pt.grad(result, x)], mode=PLAIN)
    for number in range(3):
        point = np.random.default_rng(seed(number)).normal(size=SIZE)
        expected, slope = exact(point)
        found, gradient = code(point)
        assert found == pytest.approx(float(expected), rel=1e-12)
        np.testing.assert_allclose(gradient, slope, rtol=1e-11, atol=1e-12)


@pytest.mark.slow
def test_exchanged_data_give_what_a_new_model_gives():
    experiment, other = read("fig2b-d55"), read("fig2b-d35")
    apart = [
        model_of(Problem(e, ModelSettings(priors={"optical_depth": "normal(50, 5)"}))) for e in (experiment, other)
    ]
    compiled, fresh = (compile_model(model) for model in apart)
    exchanged = compiled.with_data(data_of(other))
    point = np.full(8, 0.05)
    value, gradient = fresh.density(point)
    assert compiled.density(point)[0] != pytest.approx(value)
    found, slope = compiled.density(point, exchanged.data)
    assert found == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(slope, gradient, rtol=1e-11)
    np.testing.assert_array_equal(compiled.with_data({}).data, compiled.data)


def test_data_that_cannot_be_exchanged():
    with pm.Model() as model:
        x = pm.Normal("x", shape=3)
        which = pm.Data("which", np.array([0, 2, 2, 1]))
        y = pm.Data("y", np.array([1.0, 2.0, 3.0, 4.0]))
        pm.Normal("z", x[which], 1.0, observed=y)
    compiled = compile_model(model)
    compiled.with_data({"y": np.zeros(4), "which": np.array([0, 2, 2, 1])})
    with pytest.raises(ValueError, match="data 'y': found the shape \\(3,\\), expected \\(4,\\)"):
        compiled.with_data({"y": np.zeros(3)})
    with pytest.raises(ValueError, match="data 'w': expected one of"):
        compiled.with_data({"w": np.zeros(3)})
    with pytest.raises(ValueError, match="decide an index or a shape"):
        compiled.with_data({"which": np.array([0, 0, 0, 0])})
    point = np.array([0.3, -0.2, 0.5])
    exact = sum(-0.5 * (np.r_[point, point[[0, 2, 2, 1]] - np.arange(1.0, 5.0)]) ** 2 - 0.5 * np.log(2 * np.pi))
    assert compiled.density(point)[0] == pytest.approx(exact)


A, B = np.array([3.0, 2.0, -1.0]), np.array([5.0, -2.0, -3.0])


@pytest.mark.parametrize(
    "make",
    [
        lambda x, a: (pt.add(a, a**2, 1.0 * a) * x + a * x).sum(),  # NumPy's add would write to the third
        lambda x, a: (pt.mul(a, a + 1, a) * x + a * x).sum(),
        lambda x, a: (pt.add(a, a, 1.0) * x).sum(),
        lambda x, a: (pt.cast(a > 0, "float64") * x + pt.clip(a, 0, 1) * x).sum(),
        lambda x, a: (pt.log1p(a**2) * x).sum() + pt.max(a) * x,
        lambda x, a: (a[::-1].reshape((3, 1)) * x).sum() + a[0] * x,
    ],
)
def test_what_is_made_of_data_alone_follows_them(make):
    def compiled(values):
        with pm.Model() as model:
            pm.Potential("p", -(make(pm.Normal("x"), pm.Data("a", values)) ** 2))
        return model, compile_model(model)

    (_, made), (fresh, again) = compiled(A), compiled(B)
    exchanged, point = made.with_data({"a": B}), np.array([0.3])
    value, slope = exchanged.density(point, exchanged.data)
    exact = pytensor.function(fresh.value_vars, fresh.logp(), mode=PLAIN)
    assert value == pytest.approx(float(exact(0.3)), rel=1e-12)
    assert (value, slope) == again.density(point)


@pytest.mark.parametrize(
    "make", [lambda a: a[(a > 0).nonzero()].mean(), lambda a: pt.cast((a > 0).nonzero()[0].shape[0], "float64")]
)
def test_a_shape_that_depends_on_values_follows_them(make):
    def compiled(values):
        with pm.Model() as model:
            x = pm.Normal("x")
            pm.Potential("p", make(pm.Data("a", values)) * x)
        return compile_model(model)

    made, fresh, point = compiled(A), compiled(B), np.array([0.3])
    assert made.density(point, made.with_data({"a": B}).data)[0] == fresh.density(point)[0]


def test_data_that_decide_a_shape_of_unknowns_cannot_be_exchanged():
    with pm.Model() as model:
        many = pt.arange(pm.Data("a", np.array([3, 2]))[0]).shape[0]
        pm.Potential("p", -(pt.alloc(pm.Normal("x"), many) ** 2).sum())
    compiled = compile_model(model)
    with pytest.raises(ValueError, match="decide an index or a shape"):
        compiled.with_data({"a": np.array([5, 2])})


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda x: pt.psi(x).sum(), "psi"),
        (lambda x: pt.concatenate([x, x]).prod(), "reduction"),
        (lambda x: (pt.cast(x, "int64") * x).sum(), "Cast"),
        (lambda x: (pt.as_tensor(WEIGHTS)[pt.argmax(x)] * x).sum(), "translation"),
        (lambda x: pt.cumsum(x[:4].reshape((2, 2)), axis=1).sum(), "(?i)cum"),
        (lambda x: (x * np.array([np.nan, *WEIGHTS[1:]])).sum(), "not numbers"),
    ],
)
def test_what_has_no_translation_is_named(make, reason):
    x = pt.dvector("x", shape=(SIZE,))
    program = Program(SIZE)
    translation = Translation(program)
    inputs = translation.stacked([Lanes((), program.input(k)) for k in range(SIZE)], (SIZE,))
    with pytest.raises(NotTranslatable, match=reason):
        translation.values([make(x)], {x: inputs})


def test_the_page_shows_what_its_code_prints(capsys):
    page = (Path(__file__).parents[3] / "docs" / "reference" / "engine.md").read_text(encoding="utf-8")
    code, *shown = re.findall(r"```(?:python)?\n(.*?)```", page, re.DOTALL)
    exec(code, {})
    printed = capsys.readouterr().out
    assert len(shown) == 2
    for block in shown:
        assert block.removesuffix("…\n") in printed


def test_a_part_that_comes_several_times_is_compiled_once():
    """20 members of a joint fit, as one function."""
    x = pt.dvector("x", shape=(SIZE,))
    a = pt.dscalar("a")
    part = OpFromGraph([a], [pt.exp(a * WEIGHTS).sum() * pt.tanh(a)], inline=True)
    lengths = []
    for times in (2, 20):
        program, nothing = Program(SIZE), Program(SIZE)
        result = sum(part(x[k % SIZE] + k) for k in range(times))
        translation = Translation(program, repeated([result]))
        inputs = translation.stacked([Lanes((), program.input(k)) for k in range(SIZE)], (SIZE,))
        (value,) = translation.values([result], {x: inputs})
        text = assembled(program, value, nothing, [Lanes((), nothing.input(0))])
        lengths.append(text.count("@exp"))
        assert "derivatives of part of" in listing(program.adjoint(program.steps())[0])
    assert lengths[0] == lengths[1] > 2


def test_the_start_is_that_of_pymc():
    with pm.Model(coords={"which": ["a", "b"]}) as model:
        pm.Normal("x", 3.0, 1.0)
        pm.LogNormal("y", np.log([2.0, 5.0]), 1.0, dims="which")
        pm.Uniform("z", 1.0, 4.0, shape=(2, 2))
        pm.HalfNormal("w", 2.0, initval=0.5)
    start, exact = start_of(model), model.initial_point()
    assert start.labels == ["x", "y[a]", "y[b]", "z[0]", "z[1]", "z[2]", "z[3]", "w"]
    assert start.shapes == [(), (2,), (2, 2), ()]
    np.testing.assert_allclose(start.centre, np.concatenate([np.ravel(value) for value in exact.values()]))
    with pm.Model() as random:
        pm.Normal("x", shape=50, initval="prior")
    assert start_of(random).centre.std() > 0.5


def test_a_density_without_unknowns_is_refused():
    program, nothing = Program(1), Program(1)
    (value,) = Translation(program).values([pt.as_tensor(2.0) * pt.as_tensor(3.0)], {})
    with pytest.raises(NotTranslatable, match="without unknowns"):
        NativeDensity.compiled(program, Translation(program).lanes(value), nothing, [Lanes((), nothing.input(0))])


def test_a_matrix_of_data_can_be_exchanged():
    generator = np.random.default_rng(seed(4))
    first, second = generator.normal(size=(2, 5, 3))

    def compiled(matrix):
        with pm.Model() as model:
            x = pm.Normal("x", shape=3)
            pm.Potential("p", -(pt.dot(pm.Data("matrix", matrix), x) ** 4).sum())
        return compile_model(model)

    exchanged, fresh = compiled(first).with_data({"matrix": second}), compiled(second)
    point = np.array([0.3, -0.2, 0.5])
    value, slope = exchanged.density(point, exchanged.data)
    expected, gradient = fresh.density(point)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(slope, gradient, rtol=1e-12)


def test_a_matrix_product_is_one_step_whatever_its_size():
    x = pt.dvector("x", shape=(SIZE,))
    program = Program(SIZE)
    translation = Translation(program)
    inputs = translation.stacked([Lanes((), program.input(k)) for k in range(SIZE)], (SIZE,))
    (value,) = translation.values([(pt.dot(np.ones((64, SIZE)), x) ** 2).sum()], {x: inputs})
    program.store(translation.lanes(value))
    forward = program.steps()
    assert [line for line in listing(forward).splitlines() if not line.startswith("  ")] == [
        "for i < 1:",
        "for i < 64: work2[i] = sum over j < 6 of constant0[j, i] work1[j]",
        "for i < 64:",
    ]
