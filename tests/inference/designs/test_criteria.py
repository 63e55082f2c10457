"""The mathematics of designs: known optima, gradients, the equivalence theorem."""

from dataclasses import replace

import numpy as np
import pytest

from dissentangle.datasets import ExperimentError
from dissentangle.inference.designs.allocation import Costs, allocate, clusters, optimal_shares, whole
from dissentangle.inference.designs.criteria import Advantage, Confusion, Ignorance, Mean, Menu, Variance

from ...seeds import seed

RNG = np.random.default_rng(seed(7))
POINTS, PARAMETERS, DRAWS = 6, 4, 5


def some_menu():
    rows = RNG.normal(size=(DRAWS, POINTS, PARAMETERS))
    return Menu(rows, np.tile(np.eye(PARAMETERS), (DRAWS, 1, 1)))


def some_criteria():
    menu = some_menu()
    confusion = Confusion(menu, RNG.normal(size=(DRAWS, POINTS)), RNG.normal(size=(DRAWS, PARAMETERS)))
    variance, ignorance = Variance(menu, RNG.normal(size=(DRAWS, PARAMETERS))), Ignorance(menu, (0, 2))
    several = Menu(RNG.normal(size=(DRAWS, 2 * POINTS, PARAMETERS)), menu.known, np.arange(2 * POINTS) * POINTS // 12)
    of_records = [Variance(several, variance.gradients), Ignorance(several, (0, 2))]
    return [variance, ignorance, confusion, Mean((confusion, confusion)), replace(variance, missed=0.3), *of_records]


def exponential(rate, x):
    """A e^{−γx} with A = 1 known to nobody, unit noise."""
    rows = np.stack([np.exp(-rate * x), -x * np.exp(-rate * x)], axis=-1)[None]
    return Menu(rows, 1e-9 * np.eye(2)[None])


def mean_of(shots, x):
    return shots @ x / shots.sum()


def test_d_optimal_delays_of_an_exponential_are_0_and_one_over_the_rate():
    """Box & Lucas, Biometrika 46, 77 (1959), to 2 %; the grid does not have the optimum."""
    rate, x = 0.31, np.linspace(0.0, 17.0, 601)
    shares, _ = optimal_shares(Ignorance(exponential(rate, x), (0, 1)), np.full(len(x), 1e4))
    first, second = clusters(shares, x, np.zeros(len(x), int), np.full(len(x), x[1]))
    assert mean_of(shares[first], x[first]) == 0.0
    assert mean_of(shares[second], x[second]) == pytest.approx(1 / rate, rel=0.02)
    assert shares[first].sum() == pytest.approx(0.5, abs=0.01)


def test_the_rate_alone_wants_other_delays():
    """c-optimal for γ: 0 and 1.278/γ with shares 0.218 and 0.782: t and w minimise (1 + e^{2γt}/w …)/t²."""
    rate, x = 0.5, np.linspace(0.0, 10.0, 501)
    shares, _ = optimal_shares(Variance(exponential(rate, x), np.array([[0.0, 1.0]])), np.full(len(x), 1e4))
    u = np.linspace(1.0, 1.6, 6001)  # sd of γ: (1 + e^u)/t, shares in proportion to 1 and e^u
    best = u[np.argmin((1 + np.exp(u)) / u)]
    late = shares * (x > 0)
    assert mean_of(late, x) * rate == pytest.approx(best, rel=0.005)
    assert late.sum() == pytest.approx(np.exp(best) / (1 + np.exp(best)), abs=0.005)


def test_gradients():
    shots = RNG.uniform(1, 5, POINTS)
    for criterion in some_criteria():
        steps = 1e-5 * np.eye(POINTS)
        numbers = [(criterion.value(shots + s)[0] - criterion.value(shots - s)[0]) / 2e-5 for s in steps]
        assert criterion.value(shots)[1] == pytest.approx(np.array(numbers), abs=1e-7)


def test_no_point_gains_more_than_those_of_the_plan():
    for criterion in some_criteria():
        scale = np.linspace(10.0, 30.0, POINTS)
        shares, value = optimal_shares(criterion, scale)
        gain = -criterion.value(shares * scale)[1] * scale
        assert shares.sum() == pytest.approx(1.0)
        assert gain.max() - shares @ gain < 1e-3
        others = RNG.dirichlet(np.ones(POINTS), 200)
        assert value <= min(criterion.value(w * scale)[0] for w in others) + 1e-3


def test_some_points_alone_are_the_same_as_no_shots_elsewhere():
    points, shots = np.array([4, 1]), np.zeros(POINTS)
    shots[points] = 2.0, 3.0
    for criterion in some_criteria():
        value, gradient = criterion.at(points).value(np.array([2.0, 3.0]))
        assert value == pytest.approx(criterion.value(shots)[0])
        assert gradient == pytest.approx(criterion.value(shots)[1][points])


def test_a_variance_is_that_of_a_linear_gaussian_fit():
    menu, shots = some_menu(), RNG.uniform(1, 5, POINTS)
    gradients = RNG.normal(size=(DRAWS, PARAMETERS))
    found = Variance(menu, gradients).of_draws(shots)
    for k in range(DRAWS):
        weights = np.diag(shots)
        covariance = np.linalg.inv(np.eye(PARAMETERS) + menu.rows[k].T @ weights @ menu.rows[k])
        assert found[k] == pytest.approx(gradients[k] @ covariance @ gradients[k])


def test_a_point_may_have_several_rows():
    """As many as there are in a root of its information; (rows of point 1) then count with its shots."""
    rows = RNG.normal(size=(DRAWS, 3, PARAMETERS))
    menu = Menu(rows, np.tile(np.eye(PARAMETERS), (DRAWS, 1, 1)), np.array([0, 1, 1]))
    alone = replace(menu, point=None)
    assert menu.count == 2
    assert menu.covariances(np.array([3.0, 5.0])) == pytest.approx(alone.covariances(np.array([3.0, 5.0, 5.0])))
    assert menu.by_point(np.array([1.0, 2.0, 4.0])).tolist() == [1.0, 6.0]
    last = menu.at(np.array([1]))
    assert (last.rows.tolist(), last.point.tolist()) == (rows[:, 1:].tolist(), [0, 0])


def test_a_quantity_with_ends_varies_no_more_than_it_does_now():
    """c = Φ(z), of a uniform prior: its slope at each draw says a mean variance of 1/(2π√3), and it is 1/12."""
    z = RNG.normal(size=4000)
    menu = Menu(np.ones((len(z), 1, 1)), np.ones((len(z), 1, 1)))
    slope = np.exp(-(z**2) / 2)[:, None] / np.sqrt(2 * np.pi)
    linear, none = Variance(menu, slope), np.zeros(1)
    now, after = 1 / 12, np.array([1e4])
    assert linear.of_draws(none).mean() == pytest.approx(1 / (2 * np.pi * np.sqrt(3)), rel=0.05)
    assert linear.given(now).of_draws(none).mean() == pytest.approx(now, rel=1e-6)
    assert linear.given(now).of_draws(np.array([0.1])).mean() < now
    assert linear.given(now).of_draws(after) == pytest.approx(linear.of_draws(after), rel=1e-3)  # far from the ends
    assert linear.given(0.2) is linear


def test_the_true_model_pays_for_what_it_did_not_expect():
    other = some_criteria()[2]
    own = replace(other, difference=np.zeros_like(other.difference))
    shots = RNG.uniform(1, 5, POINTS)
    found = Advantage(other, own)
    assert found.of_draws(shots) == pytest.approx(other.of_draws(shots) - own.of_draws(shots))
    assert found.value(shots)[0] == pytest.approx(-found.of_draws(shots).mean())
    steps = 1e-5 * np.eye(POINTS)
    numbers = [(found.value(shots + s)[0] - found.value(shots - s)[0]) / 2e-5 for s in steps]
    assert found.value(shots)[1] == pytest.approx(np.array(numbers), abs=1e-7)
    points = np.array([3, 0])
    assert found.at(points).value(np.array([2.0, 1.0]))[0] == pytest.approx(
        found.value(np.array([1.0, 0, 0, 2.0, 0, 0]))[0]
    )


def test_a_log_bayes_factor_of_an_outcome_has_its_noise_and_on_average_that_of_the_expected_one():
    """Both χ² are those of the outcome; that of its noise alone is in both, but for what parameters explain of it."""
    other = some_criteria()[2]
    found = Advantage(other, replace(other, difference=np.zeros_like(other.difference)))
    shots, noise = RNG.uniform(1, 5, POINTS), RNG.normal(size=(DRAWS, POINTS))
    outcome = found.given(noise).of_draws(shots)
    assert found.given(0 * noise).of_draws(shots) == pytest.approx(found.of_draws(shots))
    assert outcome + found.given(-noise).of_draws(shots) == pytest.approx(2 * found.of_draws(shots))


def test_confusion_is_the_least_chi_square_of_the_other_model():
    criterion, shots = some_criteria()[2], RNG.uniform(1, 5, POINTS)
    steps = criterion.steps(shots)

    def chi_square(steps):
        left = criterion.difference - np.einsum("skp,sp->sk", criterion.menu.rows, steps)
        return 0.5 * (left**2 @ shots + ((criterion.pull + steps) ** 2).sum(axis=1))

    assert criterion.of_draws(shots) == pytest.approx(chi_square(steps))
    for _ in range(20):
        assert (chi_square(steps + 0.1 * RNG.normal(size=steps.shape)) >= chi_square(steps)).all()


def test_a_setting_is_taken_where_it_is_worth_its_change():
    rows = np.array([[[1.0, 0.0], [0.0, 1.0], [3.0, 0.0]]])
    criterion = Variance(Menu(rows, np.eye(2)[None]), np.array([[1.0, 0.0]]))
    setting = np.array(["", "", "hot"])
    cheap = allocate(criterion, Costs(np.ones(3), setting, {"": 0.0, "hot": 5.0}), 100.0)
    assert cheap.shots == pytest.approx([0.0, 0.0, 95.0])
    assert cheap.settings == ("hot",)
    dear = allocate(criterion, Costs(np.ones(3), setting, {"": 0.0, "hot": 95.0}), 100.0)
    assert dear.shots == pytest.approx([100.0, 0.0, 0.0])


def test_settings_that_all_cost_are_exchanged_for_the_best():
    rows = np.array([[[1.0], [2.0]]])
    criterion = Variance(Menu(rows, np.eye(1)[None]), np.ones((1, 1)))
    costs = Costs(np.ones(2), np.array(["a", "b"]), {"a": 10.0, "b": 10.0})
    assert allocate(criterion, costs, 50.0).shots == pytest.approx([0.0, 40.0])
    with pytest.raises(ExperimentError, match="budget: found 5 s, expected a longer one: every setting takes"):
        allocate(criterion, costs, 5.0)


def test_whole_shots_stay_within_the_budget():
    per_shot, shots = np.array([0.01, 0.02, 0.03]), np.array([1000.7, 20.0, 500.2])
    found = whole(shots, per_shot, 10.0, np.array([30, 30, 30]))
    assert found[1] == 0
    assert 10.0 - 0.05 < found @ per_shot <= 10.0
    assert whole(np.array([3.0]), np.array([1.0]), 3.0, np.array([30])).tolist() == [0]
