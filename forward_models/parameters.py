"""The one table of parameters: code name, symbol, unit, domain, meaning, source.

The model, the reports, the documentation and the command line read this table and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Domain = Literal["positive", "unit interval", "real"]


@dataclass(frozen=True)
class Parameter:
    """One parameter of the models, a row of the table `PARAMETERS`.

    name : in code and files;  symbol : in tables and plots;  unit : "1" for a pure number
    domain : "positive", "unit interval" or "real";  meaning : in words;  source : in the paper
    per_lights : one value for each kind of stage (which lights are on); it then always has the dim `lights`
    per_series : a calibration constant of one series;  latex : the symbol in LaTeX's mathematics, where it is another
    """

    name: str
    symbol: str
    unit: str
    domain: Domain
    meaning: str
    source: str
    per_lights: bool = False
    per_series: bool = False
    latex: str = ""


# fmt: off
_ROWS = (
    Parameter("collective_rate", "dΓ", "1/ms", "positive", "collective (entangling) rate", "master equation, p. 2",
              latex=r"d\Gamma"),
    Parameter("optical_depth", "d", "1", "positive", "optical depth", "p. 2; d ≈ 4.0 per degree of Θ"),
    Parameter("faraday_angle", "Θ", "deg", "positive", "Faraday rotation angle, ∝ Jx", "Fig. S.1", latex=r"\Theta"),
    Parameter("radiative_rate", "Γ", "1/ms", "positive", "single-atom radiative rate", "master equation, p. 2",
              latex=r"\Gamma"),
    Parameter("squeezing_limit", "Z", "1", "unit interval", "(μ−ν)², variance of the ideal steady state",
              "p. 2; 0.16 ± 0.005"),
    Parameter("collision_rate", "Γcol", "1/ms", "positive", "collisional rate between any two levels",
              "supplement, theory", latex=r"\Gamma_\mathrm{col}"),
    Parameter("light_loss_rate", "Γout_L", "1/ms", "positive", "loss to F = 3 caused by the drive",
              "supplement, theory", latex=r"\Gamma_\mathrm{out}^\mathrm{L}"),
    Parameter("pump_rate", "Γpump", "1/ms", "positive", "optical pumping of |4,±3⟩", "Fig. 2c", per_lights=True,
              latex=r"\Gamma_\mathrm{pump}"),
    Parameter("repump_rate", "Γrepump", "1/ms", "positive", "repumping of F = 3", "p. 3",
              latex=r"\Gamma_\mathrm{repump}"),
    Parameter("electron_collision_rate", "R", "1/ms", "positive", "collisions that randomise the electron's spin",
              "sixteen-level model; 0.017 gives T1 = 130 ms in the dark", per_lights=True),
    Parameter("excess_loss_rate", "Γx", "1/ms", "positive", "loss of |4,±4⟩ to F = 3 that occurs only with the drive",
              "sixteen-level model; not explained", latex=r"\Gamma_\mathrm{x}"),
    Parameter("radiative_ratio", "Γd/dΓ", "1", "positive", "ratio of Γ to the value that dΓ and d give",
              "sixteen-level model: 1", latex=r"\Gamma d/d\Gamma"),
    Parameter("temperature", "T", "K", "positive", "temperature of the atoms; 0: at rest", "room temperature"),
    Parameter("drive_detuning", "Δdrive", "MHz", "positive", "detuning of the drive from F = 4 → F′ = 5",
              "p. 2; 850 MHz", latex=r"\Delta_\mathrm{drive}"),
    Parameter("temperature_offset", "δT_atoms", "K", "real", "temperature of the atoms minus the one that is given",
              "sixteen-level model", latex=r"\delta T_\mathrm{atoms}"),
    Parameter("drive_detuning_offset", "δΔ", "MHz", "real", "detuning of the drive minus the one that is given",
              "sixteen-level model", latex=r"\delta\Delta"),
    Parameter("pump_impurity", "ε_pump", "1", "positive", "intensity of σ− light over that of σ+ light in the pump",
              "sixteen-level model; 0", latex=r"\epsilon_\mathrm{pump}"),
    Parameter("repump_impurity", "ε_repump", "1", "positive",
              "intensity of σ− light over that of σ+ light in the repump", "sixteen-level model; 0",
              latex=r"\epsilon_\mathrm{repump}"),
    Parameter("probe_detuning", "Δprobe", "MHz", "real",
              "detuning of the DC probe from F = 4 → F′ = 5, red negative, for the prior of w_probe",
              "not in the paper", latex=r"\Delta_\mathrm{probe}"),
    Parameter("probe_weight", "w_probe", "1", "real", "weight of a spin in F = 3 in P, as its DC probe sees it",
              "sixteen-level model; 0: F = 4 alone", latex=r"w_\mathrm{probe}"),
    Parameter("drive_power", "P_drive", "mW", "positive", "power of the drive, for the priors of Γ and dΓ",
              "p. 3; 5.6 mW", latex=r"P_\mathrm{drive}"),
    Parameter("probe_power", "P_probe", "mW", "positive",
              "power of the probe of the orientation test, for the prior of ν₂",
              "not in the paper: a light shift", latex=r"P_\mathrm{probe}"),
    Parameter("cell_area", "A_cell", "cm**2", "positive", "cross-section of the cell, over which the power is spread",
              "p. 2; 2.2 cm × 2.2 cm", latex=r"A_\mathrm{cell}"),
    Parameter("pump_leak_rate", "Γleak", "1/ms", "positive",
              "optical pumping of |4,±3⟩ in stages without the pump light", "not in the paper: a pump not fully off",
              latex=r"\Gamma_\mathrm{leak}"),
    Parameter("dephasing_rate", "Γ̃", "1/ms", "positive",
              "effective single-particle decay of the transverse-spin variance", "supplement, theory and [S3]",
              per_lights=True, latex=r"\tilde\Gamma"),
    Parameter("pure_dephasing_rate", "Γdeph", "1/ms", "positive", "pure dephasing, Γ̃ − Γ34 − Γ43 − 2Γout",
              "supplement, [S3]; loss term: master equation with loss", per_lights=True, latex=r"\Gamma_\mathrm{deph}"),
    Parameter("collisional_loss", "f", "1", "unit interval",
              "share of the collisions that also lead to and from F = 3", "three-state model: 1; two-level model: 0"),
    Parameter("larmor_mismatch", "δ/2π", "1/ms", "positive", "difference of the Larmor frequencies of the ensembles",
              "p. 2; about 20 Hz", latex=r"\delta/2\pi"),
    Parameter("loss_noise_share", "c", "1", "unit interval",
              "share of its projection noise that a lost atom takes along",
              "spin variance, loss term: 1 microscopic, 0 fixed-number"),
    Parameter("swap_rate", "γs", "1/ms", "positive",
              "decay of the atomic quadratures by the collective coupling, dΓ p/2", "continuous measurement, Fig. 2d",
              per_lights=True, latex=r"\gamma_\mathrm{s}"),
    Parameter("extra_decay_rate", "γextra", "1/ms", "positive",
              "decay of the atomic quadratures by everything else, Γ̃/2", "continuous measurement, Fig. 2d; (S.2)",
              per_lights=True, latex=r"\gamma_\mathrm{extra}"),
    Parameter("bath_noise", "n_b", "1", "positive", "variance to which the extra decay alone leads",
              "continuous measurement, Fig. 2d", per_lights=True, latex=r"n_\mathrm{b}"),
    Parameter("initial_xi", "ξ(0)", "1", "positive", "ξ at the beginning of a run with constant rates", "Fig. 2d",
              per_series=True, latex=r"\xi(0)"),
    Parameter("initial_n3", "n3(0)", "1", "unit interval", "initial population of |4,±3⟩", "supplement, theory; 0.01",
              latex="n_3(0)"),
    Parameter("initial_nh", "nh(0)", "1", "unit interval", "initial population of |3,±3⟩", "supplement, theory; 0",
              latex="n_h(0)"),
    Parameter("initial_excess_variance", "C₀", "1", "real", "initial spin variance above that of uncorrelated atoms",
              "Fig. S.1a, quadratic term", latex="C_0"),
    Parameter("detection_efficiency", "η", "1", "unit interval", "detection efficiency", "supplement; 0.84 ± 0.03",
              latex=r"\eta"),
    Parameter("scale", "s", "1", "positive", "common scale error of a series", "p. 3; ±4 % for ξ", per_series=True),
    Parameter("offset", "b", "1", "real", "common offset error of a series", "shot-noise error", per_series=True),
    Parameter("amplitude", "A₀", "1", "positive", "amplitude of a series in its own unit",
              "not in the paper: volts, degrees", per_series=True, latex="A_0"),
    Parameter("gain_drift", "Δs", "1", "real", "change of the gain of a series from its first to its last point",
              "not in the paper: an amplifier that warms up", per_series=True, latex=r"\Delta s"),
    Parameter("offset_drift", "Δb", "1", "real", "change of the offset of a series from its first to its last point",
              "not in the paper: shot noise that is wrong at late times", per_series=True, latex=r"\Delta b"),
    Parameter("time_offset", "Δt", "ms", "real", "how much later than stated the values of a series were taken",
              "not in the paper: a trigger, a filter", per_series=True, latex=r"\Delta t"),
    Parameter("common_time_offset", "Δt₀", "ms", "real",
              "how much later than stated the values of all series in time were taken",
              "not in the paper: a shutter", latex=r"\Delta t_0"),
    Parameter("day_depth", "r_d", "1", "positive", "optical depth on a day, relative to the reference day",
              "not in the paper: series of different days", per_series=True, latex="r_d"),
    Parameter("day_loss", "r_out", "1", "positive", "loss by the drive on a day, relative to the reference day",
              "not in the paper: series of different days", per_series=True, latex=r"r_\mathrm{out}"),
    Parameter("noise_correlation", "ρ", "1", "unit interval", "correlation of the noise of neighbouring points",
              "not in the paper: slow noise of the laser, of the field", per_series=True, latex=r"\rho"),
    Parameter("discrepancy", "w", "1", "real", "weight of one component of an unexplained smooth deviation",
              "Kennedy & O'Hagan, J. R. Stat. Soc. B 63, 425 (2001)", per_series=True),
    Parameter("shot_noise_level", "σ²", "1", "positive", "shot noise, in the unit of the light variances", "(S.1)",
              latex=r"\sigma^2"),
    Parameter("projection_noise_slope", "a", "1/deg", "positive", "projection noise per degree of Θ", "Fig. S.1"),
    Parameter("classical_noise", "c₂", "1/deg", "real", "classical over projection noise, per degree of Θ", "0.004(3)",
              latex="c_2"),
    Parameter("depth_per_degree", "d/Θ", "1/deg", "positive", "optical depth per degree of Θ", "p. 3; 4.0",
              latex=r"d/\Theta"),
    Parameter("quadratic_zeeman", "ν₂", "1/ms", "positive", "second-order Zeeman splitting", "Breit–Rabi; 22.6 Hz",
              latex=r"\nu_2"),
    Parameter("population_ratio", "p_m/p_m+1", "1", "positive", "ratio of neighbouring populations", "Fig. S.3",
              per_series=True, latex="p_m/p_{m+1}"),
    Parameter("beat_in_phase", "Re S₀", "1", "real", "amplitude of the coherence 4 ↔ 3, in phase", "Fig. S.3",
              per_series=True, latex=r"\mathrm{Re}\,S_0"),
    Parameter("beat_quadrature", "Im S₀", "1", "real", "amplitude of the coherence 4 ↔ 3, 90°", "Fig. S.3",
              per_series=True, latex=r"\mathrm{Im}\,S_0"),
    Parameter("beat_detuning", "δ₀", "1/ms", "real", "detuning of the coherence 4 ↔ 3", "Fig. S.3", per_series=True,
              latex=r"\delta_0"),
    Parameter("coherence_time", "T2", "ms", "positive", "decay time of the coherences", "Fig. S.3", per_series=True,
              latex="T_2"),
    Parameter("population_spread", "τ", "1", "positive", "spread of a parameter over experiments (of its log)",
              "hierarchical model", per_series=True, latex=r"\tau"),
    Parameter("population_score", "z", "1", "real", "deviation of an experiment from the median, in spreads",
              "hierarchical model", per_series=True),
)
# fmt: on

PARAMETERS: dict[str, Parameter] = {row.name: row for row in _ROWS}
"""All parameters by name, in the order of tables; users may add rows."""
