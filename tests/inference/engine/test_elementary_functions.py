"""exp, log, log1p, expm1 and tanh of the engine against mpmath, in units in the last place."""

import ctypes
import os
import platform
import subprocess
import sys

import llvmlite.binding
import mpmath
import numpy as np
import pytest

from dissentangle.inference.engine.assembly import WIDTH
from dissentangle.inference.engine.instructions import OWN
from dissentangle.inference.engine.native import elementary, machine_code

from ...seeds import seed

ULPS = {"exp": 1.05, "log": 0.9, "log1p": 0.9, "expm1": 2.1, "tanh": 3.0}
EDGES = [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-310, -1e-310, 709.78, 709.79, -708.5, -745.1, -745.2, 1e300, -1e300]
_ONE_AND_WIDE = """
define void @one.{name}(ptr %from, ptr %to) {{
  %x = load double, ptr %from
  %y = call double @{name}.f64(double %x)
  store double %y, ptr %to
  ret void
}}
define void @wide.{name}(ptr %from, ptr %to) {{
  %x = load <{width} x double>, ptr %from, align 8
  %y = call <{width} x double> @{name}.v{width}f64(<{width} x double> %x)
  store <{width} x double> %y, ptr %to, align 8
  ret void
}}
"""


def library():
    """The functions by name and number of lanes, of addresses of numbers; and what keeps them alive."""
    calls = [_ONE_AND_WIDE.format(name=name, width=WIDTH) for name in OWN]
    code = machine_code("\n".join([elementary(), *calls]))
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    made = {(name, 1): kind(code.address(f"one.{name}")) for name in OWN}
    made |= {(name, WIDTH): kind(code.address(f"wide.{name}")) for name in OWN}
    return made | {"code": code}


@pytest.fixture(scope="module")
def functions():
    return library()


def values(functions, name, lanes, x):
    x = np.concatenate([x, np.ones(-len(x) % WIDTH)])
    y = np.empty_like(x)
    for k in range(0, len(x), lanes):
        functions[name, lanes](x[k:].ctypes.data, y[k:].ctypes.data)
    return y


def points(name):
    generator = np.random.default_rng(seed(1))
    x = np.concatenate([generator.normal(scale=scale, size=500) for scale in (1e-9, 1e-3, 0.3, 3.0, 30.0, 300.0)])
    halves = (np.arange(-20, 20) + 0.5) * np.log(2.0)
    x = np.concatenate([x, halves, np.nextafter(halves, 0.0), EDGES, generator.normal(size=8) * 5e-324])
    return np.abs(x) if name == "log" else x


@pytest.mark.parametrize("name", OWN)
def test_errors_are_below_the_units_in_the_last_place_that_the_page_says(functions, name):
    mpmath.mp.prec = 1200
    x = points(name)
    with np.errstate(all="ignore"):
        x = x[np.isfinite(getattr(np, name)(x))]
    found = values(functions, name, WIDTH, x)[: len(x)]
    exact = [getattr(mpmath, name)(mpmath.mpf(value)) for value in x]
    units = np.spacing(np.abs([float(value) for value in exact]))
    errors = [float(abs(mpmath.mpf(y) - true) / unit) for y, true, unit in zip(found, exact, units, strict=True)]
    assert max(errors) < ULPS[name], x[np.argmax(errors)]


@pytest.mark.parametrize("name", OWN)
def test_one_lane_and_several_give_the_same_bits(functions, name):
    x = np.concatenate([points(name), [np.inf, -np.inf, np.nan]])
    one, wide = (values(functions, name, lanes, x) for lanes in (1, WIDTH))
    np.testing.assert_array_equal(one, wide)


@pytest.mark.parametrize("name", OWN)
def test_at_the_ends_of_their_range_they_are_what_numpy_gives(functions, name):
    x = np.array([np.inf, -np.inf, np.nan, 0.0, -1.0, -2.0, 1e4, -1e4])
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    np.testing.assert_allclose(values(functions, name, WIDTH, x), expected, rtol=1e-15)


_BITS = """
import numpy as np, pymc as pm
from dissentangle.inference.engine import compile_model
t = np.array([0.7, 1.3])
with pm.Model() as model:
    rate = pm.Normal("rate")
    pm.Potential("p", (pm.math.log1p(pm.math.exp(-rate * t)) - pm.math.tanh(rate / t) + pm.math.log(t + rate**2)).sum())
density = compile_model(model).density
for x in np.linspace(-0.5, 0.5, 10000):
    value, slope = density([x])
    print(value.hex(), slope[0].hex())
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the setting is glibc's")
def test_the_bits_do_not_depend_on_what_the_c_library_finds():
    """glibc then takes the variants for processors without fused multiply-add."""
    found = {
        subprocess.run(
            [sys.executable, "-c", _BITS],
            env={**os.environ, "GLIBC_TUNABLES": setting},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for setting in ("", "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4")
    }
    assert len(found) == 1


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the processor is an x86-64")
def test_the_bits_do_not_depend_on_what_the_processor_has(functions, monkeypatch):
    """The same assembly for the first x86-64 processors: two lanes, no fused multiply-add, no rounding instruction."""
    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_name", lambda: "x86-64")
    monkeypatch.setattr(llvmlite.binding, "get_host_cpu_features", llvmlite.binding.FeatureMap)
    others = library()
    for name in OWN:
        x = points(name)
        np.testing.assert_array_equal(values(functions, name, WIDTH, x), values(others, name, WIDTH, x))
