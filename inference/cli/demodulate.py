"""The verb `demodulate`: from a raw photocurrent to records of both quadratures."""

from __future__ import annotations

import argparse
from typing import Any

from ...datasets import LarmorFrequency, Records, demodulate
from ...datasets.larmor import FEWEST, Search, search
from .output import Output
from .paths import writable


def demodulate_file(given: argparse.Namespace) -> int:
    """Write the records, say what was found on the way."""
    writable(given.output)
    output = Output(given)
    records = demodulate(
        given.raw,
        output=given.output,
        larmor=given.larmor,
        interval=given.interval,
        length=given.length,
        samples=given.samples,
        sample_rate=given.sample_rate,
        triggers=given.triggers,
        period=given.period,
        shot_noise=_level_or_file(given.shot_noise),
        phase=given.phase,
        simulated=given.simulated,
    )
    enough = min(records.cos.shape) >= FEWEST
    found = search(records) if enough else Search(None, (), ())
    output.text(_report(records, found, enough))
    output.written(given.output)
    output.facts(_facts(records, found))
    return 0


def _level_or_file(text: str | None) -> str | float | None:
    try:
        return text if text is None else float(text)
    except ValueError:
        return text


def _report(records: Records, found: Search, enough: bool) -> str:
    count, bins = records.cos.shape
    noise, unit = records.shot_noise, "" if records.unit == "1" else f" {records.unit}"
    independent = abs(records.neighbour_correlation) < _INDEPENDENT
    lines = [
        f"{records.source} [{'simulated' if records.simulated else 'measured'}]: {count} records of {bins} bins of "
        f"{records.interval:g} ms at {records.larmor_frequency:.9g} Hz",
        f"samples: offset {records.offset:.3g}{unit}, spread {records.spread:.3g}{unit}",
        f"shot noise: {noise.level:.5g}{_error(noise.error)} {records.unit}²/Hz ({noise.origin})",
        f"variance of sin over cos: {_ratio(*records.sin_over_cos)} in the records"
        + (f", {_ratio(noise.ratio, noise.ratio_error)} without atoms" if noise.ratio_error else ""),
        f"filter: flat within {records.passband / 1e3:.0f} kHz of the reference, 80 dB down from "
        f"{records.stopband / 1e3:.0f} kHz on; shot noise of neighbouring bins "
        + ("independent" if independent else f"correlated by {100 * records.neighbour_correlation:.2g} %"),
        *(_line(found.line) if found.line else [f"Larmor frequency: {_WHY_NOT[enough]}"]),
        *(f"warning: {warning}" for warning in (*records.warnings, *found.warnings)),
    ]
    return "\n".join(lines)


_INDEPENDENT = 1e-4
_WHY_NOT = {True: "no line of atoms in the records", False: f"not looked for in fewer than {FEWEST} records or bins"}


def _error(error: float) -> str:
    return f" ± {error:.2g}" if error else ""


def _ratio(ratio: float, error: float) -> str:
    return f"{ratio:.4f}" + (f" ± {error:.4f}" if error else "")


def _line(line: LarmorFrequency) -> list[str]:
    means = {"ring-down": "from the mean record, which rings down", "noise": "from the noise of the records"}
    found = [
        f"Larmor frequency of the atoms: {line.offset:+.2f} ± {line.offset_error:.2f} Hz from the reference, "
        f"full width at half maximum γ/π {line.width:.1f} ± {line.width_error:.1f} Hz ({means[line.method]})"
    ]
    if line.drift is not None:
        found.append(f"its drift: {line.drift:+.2g} ± {line.drift_error:.1g} Hz/s")
    if line.mismatch is not None:
        found.append(f"mismatch of the two ensembles: {line.mismatch:.1f} ± {line.mismatch_error:.1f} Hz")
    else:
        found.append(f"mismatch of the two ensembles: not resolved, below {line.mismatch_bound:.0f} Hz (95 %)")
    return found


def _facts(records: Records, found: Search) -> dict[str, Any]:
    count, bins = records.cos.shape
    ratio, error = records.sin_over_cos
    noise = records.shot_noise
    facts = {
        "source": records.source,
        "simulated": records.simulated,
        "records": count,
        "bins": bins,
        "interval_ms": records.interval,
        "larmor_frequency_hz": records.larmor_frequency,
        "shot_noise": {
            "level": noise.level,
            "error": noise.error,
            "origin": noise.origin,
            "sin_over_cos": noise.ratio,
            "sin_over_cos_error": noise.ratio_error,
        },
        "sin_over_cos": ratio,
        "sin_over_cos_error": error,
        "neighbour_correlation": records.neighbour_correlation,
        "passband_hz": records.passband,
        "stopband_hz": records.stopband,
        "offset": records.offset,
        "spread": records.spread,
        "unit": records.unit,
        "skipped": records.skipped,
        "warnings": [*records.warnings, *found.warnings],
        "pick_up_hz": list(found.pick_up),
        "larmor": None,
    }
    if found.line is not None:
        arrays = ("time", "offsets", "offset_errors")
        facts["larmor"] = {k: v.tolist() if k in arrays else v for k, v in vars(found.line).items()}
    return facts
