"""The verb `demodulate`: from a raw photocurrent to records of both quadratures."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from .output import Output
from .paths import writable
from .verb import either, option, verb

if TYPE_CHECKING:
    from ...datasets import LarmorFrequency, Records
    from ...datasets.larmor import Search


@verb("demodulate", "turn the raw photocurrent of one detector into records of cos and sin, in shot-noise units",
      """
demodulate photocurrent-slice -o records.h5 --shot-noise 2e-10        the bundled example, simulated
demodulate run.h5 -o records.h5 --larmor '322 kHz' --interval '0.1 ms' --length '10 ms' --shot-noise light.h5
demodulate run.tdms -o records.h5 --larmor '322 kHz' --samples /scan/ai0 --sample-rate '1 MHz' --period '15 ms'""",
      option("raw", help="a file of samples: HDF5, NetCDF, MATLAB, TDMS, .npy, .npz; or photocurrent-slice"),
      option("-o", "--output", required=True, help="HDF5 file to write"),
      option("--larmor", default=None, metavar="FREQUENCY",
             help="frequency of the reference, such as '322 kHz' (the file's larmor_frequency, Hz)"),
      option("--interval", default="0.1 ms", metavar="TIME", help="length of a bin (%(default)s)"),
      option("--length", default="10 ms", metavar="TIME", help="length of a record, from its trigger (%(default)s)"),
      option("--samples", default=None, metavar="PATH", help="array of samples in the file (samples)"),
      option("--channel", default=None, metavar="NUMBER",
             help="channel of an array (samples, channels): 2; or of one long row with four in turn: 2/4"),
      option("--sample-rate", default=None, metavar="RATE",
             help="sample rate of one channel, such as '1 MHz' (the file's sample_rate, Hz)"),
      either(option("--triggers", default=None, metavar="PATH",
                    help="array of triggers: numbers of samples, or times with a unit (triggers)"),
             option("--period", default=None, metavar="TIME", help="without triggers: time between records")),
      option("--shot-noise", default=None, metavar="REFERENCE",
             help="a file of light without atoms, cut at its triggers if it has some, or a level, unit²/Hz"
             " (the records' own noise)"),
      option("--phase", choices=("trigger", "stream"), default="trigger",
             help="cos and sin restart at each trigger, or run through (%(default)s)"),
      option("--simulated", action="store_true",
             help="the photocurrent is simulated, if the file does not say so"))  # fmt: skip
def demodulate(given: Namespace) -> int:
    """Write the records, say what was found on the way."""
    from ...datasets import demodulate as demodulated
    from ...datasets.larmor import FEWEST, Search, search

    writable(given.output)
    output = Output(given)
    names = ("output", "larmor", "interval", "length", "samples", "channel", "sample_rate", "triggers", "period",
             "phase", "simulated")  # fmt: skip
    options = {name: getattr(given, name) for name in names}
    records = demodulated(given.raw, shot_noise=_level_or_file(given.shot_noise), **options)
    enough = min(records.cos.shape) >= FEWEST
    found = search(records) if enough else Search(None, (), ())
    why_not = "no line of atoms in the records" if enough else f"not looked for in fewer than {FEWEST} records or bins"
    output.text(_report(records, found, why_not))
    output.written(given.output)
    output.facts(_facts(records, found))
    return 0


def _level_or_file(text: str | None) -> str | float | None:
    try:
        return text if text is None else float(text)
    except ValueError:
        return text


def _report(records: Records, found: Search, why_not: str) -> str:
    count, bins = records.cos.shape
    noise, unit = records.shot_noise, "" if records.unit == "1" else f" {records.unit}"
    independent = abs(records.neighbour_correlation) < _INDEPENDENT
    lines = [
        f"{records.source} [{'simulated' if records.simulated else 'measured'}]: {count} records of {bins} bins of "
        f"{records.interval:g} ms at {records.larmor_frequency:.9g} Hz",
        f"samples: offset {records.offset:.3g}{unit}, spread {records.spread:.3g}{unit}",
        f"shot noise: {_with(noise.level, noise.error, '.5g', '.2g')} {records.unit}²/Hz ({noise.origin})",
        f"variance of sin over cos: {_with(*records.sin_over_cos, '.4f', '.4f')} in the records"
        + (f", {_with(noise.ratio, noise.ratio_error, '.4f', '.4f')} without atoms" if noise.ratio_error else ""),
        f"filter: flat within {records.passband / 1e3:.0f} kHz of the reference, 80 dB down from "
        f"{records.stopband / 1e3:.0f} kHz on; shot noise of neighbouring bins "
        + ("independent" if independent else f"correlated by {100 * records.neighbour_correlation:.2g} %"),
        *(_line(found.line) if found.line else [f"Larmor frequency: {why_not}"]),
        *(f"warning: {warning}" for warning in (*records.warnings, *found.warnings)),
    ]
    return "\n".join(lines)


_INDEPENDENT = 1e-4


def _with(value: float, error: float, form: str, error_form: str) -> str:
    """A number with its error, where this is known."""
    return f"{value:{form}}" + (f" ± {error:{error_form}}" if error else "")


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
