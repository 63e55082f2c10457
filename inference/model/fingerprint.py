"""What an experiment is but for its texts, as a hash: equal if and only if the same posterior follows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from ...datasets import Experiment
from ...forward_models import OBSERVABLES


def fingerprint(*values: Any) -> str:
    """SHA-256 of values of any depth: dataclasses, dicts, sets, sequences, arrays, numbers, texts."""
    digest = hashlib.sha256()
    for part in _parts(values):
        digest.update(part)
        digest.update(b"\n")
    return digest.hexdigest()


def _parts(value: Any) -> Iterator[bytes]:
    if is_dataclass(value):
        kept = [f for f in fields(value) if not f.metadata.get("later") or _said(getattr(value, f.name), f.default)]
        yield from _parts({field.name: getattr(value, field.name) for field in kept})
    elif isinstance(value, dict):
        yield from _parts([(key, value[key]) for key in sorted(value)])
    elif isinstance(value, (set, frozenset)):
        yield from _parts(sorted(value))
    elif isinstance(value, (list, tuple)):
        yield f"{len(value)} values".encode()
        for entry in value:
            yield from _parts(entry)
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype.str} {value.shape}".encode()
        yield np.ascontiguousarray(value).tobytes()
    else:
        yield repr(value).encode("utf-8", "backslashreplace")


def _said(value: Any, default: Any) -> bool:
    return isinstance(value, np.ndarray) or bool(value != default)


def without_texts(experiment: Experiment) -> Experiment:
    """The experiment as far as its posterior depends on it: without title, description, sources and truth."""
    return replace(
        experiment,
        title="",
        description="",
        date="",
        simulated=False,
        truth=None,
        series=tuple(replace(series, note="") for series in experiment.series),
        records=tuple(replace(record, note="", simulated=False) for record in experiment.records),
        observations=tuple(replace(o, source="") for o in experiment.observations),
    )


def without_values(experiment: Experiment) -> Experiment:
    """What is known before the measurement: no texts, no measured values; their errors stay."""
    bare, nothing = without_texts(experiment), np.empty(0)
    return replace(
        bare,
        series=tuple(replace(series, value=nothing) for series in bare.series),
        records=tuple(replace(record, samples=np.zeros(record.samples.shape[::2])) for record in bare.records),
        observations=tuple(replace(o, value=0.0) for o in bare.observations),
    )


def without_errors(experiment: Experiment) -> Experiment:
    """What gives the model its form: no texts, no measured values, no errors of them."""
    bare, nothing = without_values(experiment), np.empty(0)
    return replace(
        bare,
        series=tuple(replace(series, spread=nothing) for series in bare.series),
        observations=tuple(replace(o, sigma=1.0) for o in bare.observations),
    )


def measured(experiment: Experiment) -> Experiment:
    """Without calibration runs and light variances of which nothing is fitted: their parameters would be unknown."""
    series = tuple(s for s in experiment.series if s.fitted.any() or s.kind in OBSERVABLES)
    records = tuple(r for r in experiment.records if r.fitted.any())
    if (len(series), len(records)) == (len(experiment.series), len(experiment.records)):
        return experiment
    return replace(experiment, series=series, records=records)


def data_hash(experiment: Experiment) -> str:
    """SHA-256 of everything in the experiment that the posterior depends on."""
    return fingerprint(without_texts(measured(experiment)))
