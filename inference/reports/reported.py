"""A fit in its report: what several sections ask of it, and what each says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..checks import Assessment, assess
from ..comparison import LeaveOneOut, leave_one_out
from ..figures import ExperimentDraws
from ..fits import Fit, fit_id
from ..text import compared_sentences, verdict_lines
from .comparison import compared_with
from .page import Parts


@dataclass(frozen=True)
class Check:
    """What a question to the fit gave.

    said : in one line;  parts : the evidence;  expected : whether it is as it should be
    """

    said: str
    parts: Parts
    expected: bool = True


@dataclass(frozen=True)
class ReportedFit:
    """A fit, and what several sections ask of it, each worked out once.

    file : name of the fit's file, for the commands that reproduce it; "" where it was not saved
    compared : facts of a comparison with rival models; in words why they cannot be read; None without any
    """

    fit: Fit
    file: str = ""
    compared: Mapping[str, Any] | str | None = None

    @cached_property
    def judged(self) -> Assessment:
        """The verdict."""
        return assess(self.fit)

    @cached_property
    def after_comparison(self) -> list[str]:
        """What a comparison with rival models adds to the verdict."""
        if self.compared is None or isinstance(self.compared, str):
            return []
        return compared_sentences(self.compared, fit_id(self.fit.tree))

    @cached_property
    def draws(self) -> ExperimentDraws:
        """The experiment with draws of the posterior, for figures."""
        return ExperimentDraws.of(self.fit)

    @cached_property
    def left_out(self) -> LeaveOneOut:
        """PSIS leave-one-out."""
        return leave_one_out(self.fit)

    @cached_property
    def verdict(self) -> list[str]:
        """The lines that stand first."""
        return verdict_lines(self.judged.headline, self.after_comparison)

    @property
    def better(self) -> str:
        """The model that a comparison favours over this one; "" where there is none."""
        return self.verdict[0].rpartition(" against ")[2].removesuffix(".") if self.lost else ""

    @property
    def lost(self) -> bool:
        """Whether a comparison disfavours it."""
        return self.verdict[0] != self.judged.headline


def rivals(reported: ReportedFit) -> Check:
    """What a comparison with rival models found; how to make one where this fit was not compared."""
    if reported.compared is None:
        return Check("not compared: dissentangle compare fits rivals to the same data", ())
    if isinstance(reported.compared, str):
        return Check(reported.compared, (), expected=False)
    said = " ".join(line for line in reported.verdict if line != reported.judged.headline)
    return Check(said, compared_with(reported.compared, fit_id(reported.fit.tree)), expected=not reported.lost)
