"""The computed rate tables against stored ones, against another theory of the same light, and against exact numbers."""

import numpy as np
import pytest

from dissentangle.forward_models import InvalidValue
from dissentangle.forward_models.sixteen_level import LEVELS, atoms_at, drive
from dissentangle.forward_models.sixteen_level.angular_momentum import wigner_3j, wigner_6j
from dissentangle.forward_models.sixteen_level.scattering import D1, D2, GROUND_SPLITTING, scattering
from dissentangle.forward_models.sixteen_level.tables import pump, repump

ROOT_HALF = 0.5**0.5
DRIVE = {-1: ROOT_HALF, 1: -ROOT_HALF}


def test_tables_are_the_stored_ones(sixteen_levels):
    stored, warm = sixteen_levels["tables"], atoms_at(300.0)
    found = {
        "drive_850MHz_cold": atoms_at(0.0).radiative_rate,
        "drive_850MHz_300K": warm.radiative_rate,
        "pump_300K": warm.pump_rate,
        "repump_300K": warm.repump_rate,
        "collision_electron": warm.collision_rate,
        "collision_uniform": atoms_at(300.0, uniform=True).collision_rate,
        "excess_loss_300K": warm.excess_loss_rate,
    }
    assert found.keys() == stored.keys()
    for name, table in found.items():
        np.testing.assert_allclose(table.rate, stored[name]["rate"], atol=1e-9, rtol=0, err_msg=name)
        assert table.elastic == pytest.approx(stored[name]["elastic_44_43"], abs=1e-9)


@pytest.mark.parametrize(("temperature", "name"), [(0.0, "drive_850MHz_cold"), (300.0, "drive_850MHz_300K")])
def test_rate_of_a_power(temperature, name):
    """Γ of one mW in a cell of 2.2 cm × 2.2 cm,: 3.30e-4 at rest, 4.21e-4 at 300 K."""
    wanted = {0.0: 3.30e-4, 300.0: 4.21e-4}[temperature]
    assert drive(850.0, temperature).rate_per_intensity / 2.2**2 == pytest.approx(wanted, rel=5e-3), name


@pytest.mark.parametrize(("temperature", "name"), [(0.0, "drive_850MHz_cold"), (300.0, "drive_850MHz_300K")])
def test_forward_direction_and_light_shift_of_the_drive(sixteen_levels, temperature, name):
    found, stored = drive(850.0, temperature), sixteen_levels["tables"][name]
    assert found.squeezing_limit == pytest.approx(stored["squeezing_limit_coherent"], abs=1e-9)
    assert found.coherent_fraction == pytest.approx(stored["coherent_fraction"], abs=1e-9)
    assert found.shift == pytest.approx(stored["light_shift_43_rad"], rel=1e-9)
    assert found.quadratic_shift == pytest.approx(stored["light_shift_quadratic_rad"], rel=1e-9)


@pytest.mark.parametrize("detuning", [500.0, 850.0, 1500.0, 3000.0])
def test_squeezing_limit_is_that_of_the_polarisability(detuning):
    """Z = 14 a₂/a₁ of the effective Hamiltonian with scalar, vector and tensor polarisability."""
    a1 = (-35 / (1 + 452.4 / detuning) - 21 / (1 + 251.1 / detuning) + 176) / 120
    a2 = (5 / (1 + 452.4 / detuning) - 21 / (1 + 251.1 / detuning) + 16) / 240
    assert drive(detuning, 0.0).squeezing_limit == pytest.approx(14 * a2 / a1, abs=3e-5)


def _spin(j):
    """J_z, J_+ and J_− of a spin j, and its projections, highest first."""
    m = np.arange(j, -j - 1, -1)
    raising = np.diag(np.sqrt(j * (j + 1) - m[1:] * (m[1:] + 1)), 1)
    return np.diag(m), raising, raising.T, m


def _hyperfine(j, energies):
    """Projectors on F (F → matrix) of spins j and 7/2, and the Hamiltonian with these energies by F."""
    i = 3.5
    (jz, jp, jm, _), (iz, ip, im, _) = _spin(j), _spin(i)
    dot = np.kron(jz, iz) + 0.5 * (np.kron(jp, im) + np.kron(jm, ip))
    value = {F: (F * (F + 1) - j * (j + 1) - i * (i + 1)) / 2 for F in energies}
    eye = np.eye(len(dot))
    projectors = {}
    for F in energies:
        others = [G for G in energies if G != F]
        projector = eye
        for G in others:
            projector = projector @ (dot - value[G] * eye) / (value[F] - value[G])
        projectors[F] = projector
    return projectors, sum(energies[F] * projectors[F] for F in energies)


def _resolvent_rates(line, resonance, detuning, light):
    """Rates by (δ + iΓe/2 − H_hfs)⁻¹ in the basis |m_J⟩|m_I⟩: no F in the optical transition."""
    j = line.excited_spin
    ground, _ = _hyperfine(0.5, {4: 0.0, 3: -GROUND_SPLITTING})
    energies = dict(line.excited)
    _, excited = _hyperfine(j, {F: e - energies[resonance[1]] for F, e in line.excited})
    (_, _, _, m_excited), (fz, _, _, m_ground) = _spin(j), _spin(0.5)
    dipole = []
    for q in (-1, 0, 1):
        d = np.zeros((len(m_excited), 2))
        for a, me in enumerate(m_excited):
            for b, mg in enumerate(m_ground):
                d[a, b] = (-1) ** round(j - me) * wigner_3j(j, 1, 0.5, -me, q, mg) * (2 * j + 1) ** 0.5
        dipole.append(np.kron(d, np.eye(8)))
    axis = np.kron(fz, np.eye(8)) + np.kron(np.eye(2), _spin(3.5)[0])
    columns, states = {}, np.zeros((16, 16))
    for F, projector in ground.items():
        for k in range(16):
            m = axis[k, k]
            state = projector[:, k]
            if np.linalg.norm(state) > 1e-8:
                columns.setdefault((F, round(m)), state / np.linalg.norm(state))
    for k, level in enumerate(LEVELS):
        states[:, k] = columns[level]
    total = np.zeros((16, 16))
    for i, (F, _) in enumerate(LEVELS):
        delta = detuning + (F - resonance[0]) * GROUND_SPLITTING
        resolvent = np.linalg.inv((delta + 0.5j * line.width) * np.eye(len(excited)) - excited)
        absorbed = sum(amplitude * dipole[q + 1] for q, amplitude in light.items()) @ states[:, i]
        for q in range(3):
            total[:, i] += abs(states.T @ dipole[q].T @ resolvent @ absorbed) ** 2
    return total


@pytest.mark.parametrize(
    ("line", "resonance", "detuning", "light"),
    [(D2, (4, 5), 850.0, DRIVE), (D1, (4, 4), 0.0, {1: 1.0}), (D2, (3, 4), 0.0, {1: 1.0})],
    ids=["drive", "pump", "repump"],
)
def test_rates_of_atoms_at_rest_by_the_resolvent(line, resonance, detuning, light):
    expected = _resolvent_rates(line, resonance, detuning, light)
    found = scattering(line, resonance, detuning, light, 0.0).rate
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-12)


def test_average_over_velocities_by_a_sum_over_single_velocities():
    """The drive again, atom by atom: one Gauss–Legendre rule, which knows nothing of panels."""
    sigma = 351.72571850e6 / 299792458 * (1.380649e-23 * 300 / (132.905451931 * 1.66053906660e-27)) ** 0.5
    assert sigma == pytest.approx(160.7, abs=0.1)
    x, w = np.polynomial.legendre.leggauss(160)
    weight = w * np.exp(-0.5 * (4 * x) ** 2)
    each = np.array([scattering(D2, (4, 5), 850.0 - 4 * sigma * s, DRIVE, 0.0).rate for s in x])
    expected = np.einsum("v,vij->ij", weight / weight.sum(), each)
    found = scattering(D2, (4, 5), 850.0, DRIVE, 300.0, 4.0).rate
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-6)


def test_branching_of_pump_and_repump():
    """D1 from |4,4'⟩: 1/3, 1/12, 7/12 into |4,4⟩, |4,3⟩, |3,3⟩."""
    table = pump(300.0).rate
    np.testing.assert_allclose(table[[0, 1, 9], 1], [1, 0.25, 1.75], rtol=1e-4)
    assert table[:, 0].sum() == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(repump(300.0).rate[[0, 1], 9], [1.6, 0.4], atol=1e-12)


def test_collisions_randomise_the_electron():
    table = atoms_at().collision_rate
    np.testing.assert_allclose(table.rate[[1, 9], 0], [1 / 16, 7 / 16], atol=1e-15)
    np.testing.assert_allclose(table.rate[[9, 10], 1], [7 / 64, 21 / 64], atol=1e-15)
    np.testing.assert_allclose(table.rate.sum(axis=0), 0.75, atol=1e-14)  # S(S + 1)
    assert table.dephasing == pytest.approx(1.125)


def test_wigner_symbols_are_orthogonal():
    for j3 in (0, 1, 2, 3):
        total = sum(wigner_3j(1, 2, j3, m1, m2, -m1 - m2) ** 2 for m1 in (-1, 0, 1) for m2 in (-2, -1, 0, 1, 2))
        assert total == pytest.approx(1 if 1 <= j3 <= 3 else 0)
    for f in (3, 4):
        assert sum(9 * (2 * x + 1) * wigner_6j(0.5, 3.5, f, 3.5, 0.5, x) ** 2 for x in (0, 1)) == pytest.approx(
            9 / (2 * f + 1)
        )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [((600.0, 850.0), r"temperature \(K\) = 600: expected a number in \[0, 500\]"),
     ((300.0, -850.0), r"drive_detuning \(MHz\) = -850: expected a number in \[723.15, 5000\]"),
     ((300.0, 500.0), r"drive_detuning \(MHz\) = 500")],
)  # fmt: skip
def test_settings_beyond_the_model(arguments, text):
    with pytest.raises(InvalidValue, match=text):
        atoms_at(*arguments)
