"""The microscopic closure is the many-atom limit of the master equation (QuTiP, extra `exact`)."""

import numpy as np
import pytest

from dissentangle.forward_models import InitialState, Rates, Stage, evolve

qutip = pytest.importorskip("qutip", reason="the extra `exact` is not installed", exc_type=ImportError)

TIMES = np.array([0.0, 2.0, 4.0, 6.0, 8.0])


def spin_variance(atoms, levels, collective, limit, local):
    """Σ(t) of `atoms` per ensemble. Levels 0: |4,±4⟩, 1: |4,±3⟩, 2: |h⟩. `local`: (to, from, rate) and dephasing."""
    identity = qutip.qeye(levels)

    def on(site, operator):
        return qutip.tensor([operator if k == site else identity for k in range(2 * atoms)])

    def jump(to, start):
        return qutip.basis(levels, to) * qutip.basis(levels, start).dag()

    raise_i = sum(on(k, jump(0, 1)) for k in range(atoms))  # J⁻ of ensemble I: |↑⟩⟨↓|, ↑ = |4,4⟩
    raise_ii = sum(on(k, jump(1, 0)) for k in range(atoms, 2 * atoms))  # of II: ↑ = |4,−3⟩
    mu, nu = (limit**-0.5 + limit**0.5) / 2, (limit**-0.5 - limit**0.5) / 2
    jumps = [
        np.sqrt(collective / atoms) * (mu * raise_i - nu * raise_ii),
        np.sqrt(collective / atoms) * (mu * raise_ii.dag() - nu * raise_i.dag()),
    ]
    *moves, dephasing = local
    sigma_z = jump(0, 0) - jump(1, 1)
    for site in range(2 * atoms):
        jumps += [np.sqrt(rate) * on(site, jump(to, start)) for to, start, rate in moves if rate]
        jumps.append(np.sqrt(dephasing / 4) * on(site, sigma_z))
    y = np.sqrt(2) * ((raise_i + raise_i.dag()) - (raise_ii + raise_ii.dag()))
    z = 1j * np.sqrt(2) * ((raise_i.dag() - raise_i) - (raise_ii.dag() - raise_ii))
    start = qutip.tensor([qutip.basis(levels, 0)] * (2 * atoms))
    options = {"atol": 1e-9, "rtol": 1e-8, "nsteps": 100_000}
    found = qutip.mesolve(0 * y, start, TIMES, jumps, e_ops=[y * y + z * z], options=options)
    return np.array(found.expect[0]) / (8 * atoms)


def extrapolated(values):
    """The limit of many atoms from 1, 2, … atoms: a polynomial in 1/N through all of them."""
    inverse = 1 / np.arange(1, len(values) + 1)
    return np.polynomial.polynomial.polyfit(inverse, np.array(values), len(values) - 1)[0]


def model(rates, closure="microscopic"):
    return evolve([Stage(8.0, rates)], TIMES, InitialState(n3=0.0), closure).spin_variance


def transitions_of(rates, pure_dephasing):
    """Level jumps as the paper writes them, at Z = 1/2: μ² = 1.125, ν² = 0.125."""
    up = 1.125 * rates.radiative_rate + rates.collision_rate + rates.pump_rate
    down = 0.125 * rates.radiative_rate + rates.collision_rate
    out, back = rates.light_loss_rate + rates.collision_rate, rates.collision_rate + rates.repump_rate
    floor = up + down + 2 * out
    assert rates.dephasing_rate == pytest.approx(floor + pure_dephasing)
    return up, down, out, back


@pytest.mark.slow
def test_without_loss():
    rates = Rates(0.3, 0.02, 0.5, 0.0, 0.0, 0.0075, 0.0, dephasing_rate=0.0825)
    up, down, _, _ = transitions_of(rates, pure_dephasing=0.05)
    exact = [spin_variance(n, 2, 0.3, 0.5, [(0, 1, up), (1, 0, down), 0.05]) for n in (1, 2, 3, 4)]
    errors = [np.abs(run - model(rates)).max() for run in exact]
    assert errors[0] > errors[1] > errors[2] > errors[3]
    np.testing.assert_allclose(extrapolated(exact), model(rates), atol=0.002)


def test_with_loss_the_microscopic_closure_is_the_limit():
    rates = Rates(0.4, 0.02, 0.5, 0.01, 0.05, 0.0, 0.0, dephasing_rate=0.195)
    up, down, out, back = transitions_of(rates, pure_dephasing=0.03)
    local = [(0, 1, up), (1, 0, down), (2, 0, out), (2, 1, out), (0, 2, back), (1, 2, back), 0.03]
    many = extrapolated([spin_variance(n, 3, 0.4, 0.5, local) for n in (1, 2)])
    near = np.abs(many - model(rates)).max()
    far = np.abs(many - model(rates, "fixed-number")).max()
    assert near < 0.03
    assert far > 2 * near
