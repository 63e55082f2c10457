"""Parameters by the names and symbols that people write."""

import pytest

from dissentangle.forward_models import PARAMETERS, parameter_name


@pytest.mark.parametrize("name", PARAMETERS)
def test_each_is_known_by_name_and_symbol(name):
    row = PARAMETERS[name]
    assert parameter_name(name) == name
    if name != "population_score":  # z; Z is the squeezing limit
        assert parameter_name(row.symbol) == name
        assert parameter_name(row.latex or row.symbol) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dGamma", "collective_rate"),
        ("d", "optical_depth"),
        ("OD", "optical_depth"),
        ("optical depth", "optical_depth"),
        ("Gamma_tilde", "dephasing_rate"),
        ("\u0393\u0303", "dephasing_rate"),
        ("gamma_col", "collision_rate"),
        ("Gcol", "collision_rate"),
        ("Gamma", "radiative_rate"),
        ("gamma_s", "swap_rate"),
        ("Gamma_out_L", "light_loss_rate"),
        ("eta", "detection_efficiency"),
        ("Theta", "faraday_angle"),
        ("xi(0)", "initial_xi"),
        ("gamma", "gamma"),  # γ, the sum of γs and γextra, is none
        ("γ", "γ"),
        ("colision_rate", "colision_rate"),
        ("", ""),
    ],
)
def test_what_people_write(text, name):
    assert parameter_name(text) == name
