"""Not to be broken: valid files of every kind that is read are damaged, and what reading makes of them is counted.

python benchmarks/fuzzing.py [FILES] [SEED] [KIND ...]     FILES: how many damaged files of each kind, 200 by default

A damaged file must be read, or refused by an error of this package, in time, in memory, without writing or printing
anything and without data from outside its folder. 25 files at a time are read in a child process with 1 GB of memory
above what the libraries take; each of them in a process of its own where anything is wrong.
`python benchmarks/fuzzing.py 1 SEED KIND` makes the file of that seed once more.
"""

from __future__ import annotations

import gc
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from damages import damage
from valid_files import KINDS, OURS

MEMORY = 1 << 30
SECONDS = 20
BATCH = 25
FINE = ("read", "refused")


@dataclass
class Row:
    """What came of the files of one kind."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    memory: int = 0
    defects: list[str] = field(default_factory=list)


@dataclass
class Case:
    """One file to damage and read, with a place of its own."""

    seed: int
    place: Path
    target: Path

    @classmethod
    def of(cls, valid: Path, seed: int, place: Path) -> Case:
        """A copy of what is valid, and something outside its folder."""
        for name in ("given", "outside", "elsewhere"):
            (place / name).mkdir(parents=True)
        (place / "outside" / "bait").write_text("time,value,sigma\n1,1,0.1\n")
        target = place / "given" / valid.name
        (shutil.copytree if valid.is_dir() else shutil.copy)(valid, target)
        return cls(seed, place, target)

    def outside(self) -> list[Path]:
        """Files that nothing should read."""
        return [path for path in (self.place / "outside").iterdir() if path.is_file()]

    def state(self) -> dict[Path, int]:
        """Everything, and when it was written."""
        return {path: path.lstat().st_mtime_ns for path in self.place.rglob("*")}


def apart(work: Iterator[Any], report: Path) -> tuple[list[Any], int]:
    """What is said of one case after the other in a process of its own, and the wait status of that."""
    report.write_text("")
    pid = os.fork()
    if not pid:
        try:
            with report.open("w") as file:
                for said in work:
                    print(json.dumps(said), file=file, flush=True)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    return [json.loads(line) for line in report.read_text().splitlines()], ended


def damaging(kind: str, cases: list[Case]) -> Iterator[str]:
    """In a child: HDF5 sometimes dies of what it is made to write."""
    for case in cases:
        files = sorted(case.target.iterdir()) if case.target.is_dir() else [case.target]
        rng = random.Random(f"{kind} {case.seed}")
        try:
            yield damage(rng, rng.choice(files), case.place / "outside", case.target.is_dir())
        except Exception as error:
            yield f"damaged in part, {type(error).__name__}: {error}"


def status(key: str) -> int:
    """Of this process, in bytes."""
    found = re.search(rf"{key}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) << 10 if found else 0


def watched() -> list[str]:
    """What this process writes and starts from now on, as it happens."""
    found: list[str] = []
    forbidden = ("os.system", "subprocess.Popen", "socket.connect", "os.remove", "os.rename", "pickle.find_class")

    def watch(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(given[0], str) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            if not str(Path(given[0]).absolute()).startswith(("/dev/null", "/proc")):
                found.append(given[0])
        elif event in forbidden:
            found.append(f"{event} {given}")

    sys.addaudithook(watch)
    return found


def reading(read: Callable[[Path], None], cases: list[Case], printed: Path) -> Iterator[tuple[str, int, float]]:
    """In a child: outcome, memory and seconds of each. An alarm ends the process, whatever it is doing."""
    before, limit = status("VmRSS"), status("VmSize") + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    with printed.open("ab") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    warnings.simplefilter("always")
    for hidden in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", hidden)  # as Python does by default
    written = watched()
    for case in cases:
        os.chdir(case.place / "elsewhere")
        Path("/proc/self/clear_refs").write_text("5")
        signal.alarm(SECONDS)
        begin = time.perf_counter()
        outcome = outcome_of(read, case.target)
        seconds = time.perf_counter() - begin
        signal.alarm(0)
        sys.stdout.flush()
        if said := printed.read_text(errors="replace"):
            outcome += f", and printed {said[:3000]}"
        if written:
            outcome += f", and did {written}"
        os.truncate(printed, 0)
        written.clear()
        yield outcome, status("VmHWM") - before, seconds


def outcome_of(read: Callable[[Path], None], path: Path) -> str:
    try:
        read(path)
    except OURS as error:
        text = str(error)
        if len(text) > 3000 or not text.replace("\n", "").isprintable():
            return f"a strange message of {len(text)} characters: {text[:200]!r}"
        return "refused"
    except BaseException:
        return traceback.format_exc()
    return "read"


def looked_at(kind: str, cases: list[Case], place: Path) -> list[tuple[str, int, float]]:
    """What came of reading: outcome, memory, seconds of each, as far as the process came."""
    before = [case.state() for case in cases]
    for path in (path for case in cases for path in case.outside()):
        os.utime(path, ns=(1, path.stat().st_mtime_ns))  # what is read then gets another time of access
    seen, ended = apart(reading(KINDS[kind][1], cases, place / "printed"), place / "report")
    if len(seen) < len(cases):
        late = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGALRM
        seen.append((f"took more than {SECONDS} s" if late else f"died: wait status {ended}", 0, 0.0))
    results = []
    for case, old, (outcome, *costs) in zip(cases, before, seen, strict=False):
        touched = [path.name for path in case.outside() if path.stat().st_atime_ns != 1]
        changed = [str(path) for path, _ in set(old.items()) ^ set(case.state().items())]
        more = f", with {touched} of outside its folder" * bool(touched) + f", and changed {changed}" * bool(changed)
        results.append((outcome + more, *costs))
    return results


def tried(kind: str, valid: Path, seeds: Sequence[int], place: Path, row: Row) -> None:
    """Damaged files of a kind, read; once more one by one where anything is wrong, to know with which."""
    shutil.rmtree(place, ignore_errors=True)
    cases = [Case.of(valid, seed, place / str(seed)) for seed in seeds]
    done, ended = apart(damaging(kind, cases), place / "report")
    if len(done) < len(cases) == 1:
        done = [f"damaged in part, status {ended}"]
    results = looked_at(kind, cases, place) if len(done) == len(cases) else []
    wrong = [result[0] for result in results if result[0] not in FINE]
    if len(cases) > 1 and (wrong or len(results) < len(cases)):
        known = len(row.defects)
        for seed in seeds:
            tried(kind, valid, [seed], place, row)
        if wrong and len(row.defects) == known:
            row.defects.append(f"{kind}, seeds {seeds}, only one after the other: {wrong}")
        return
    for seed, what, (outcome, memory, seconds) in zip(seeds, done, results, strict=True):
        row.outcomes[outcome if outcome in FINE else "defect"] += 1
        row.seconds, row.memory = max(row.seconds, seconds), max(row.memory, memory)
        if outcome not in FINE:
            row.defects.append(f"{kind}, seed {seed}: {what}\n{outcome}")
        if len(seeds) == 1:
            print(f"{kind} {seed} {what}: {outcome[-300:]} {memory >> 20} MB {seconds:.1f} s", flush=True)


def study(kinds: list[str], files: int, first: int, minutes: float = np.inf) -> dict[str, Row]:
    """So many damaged files of each kind, in turn; it ends early after so many minutes."""
    rows, end = {kind: Row() for kind in kinds}, time.perf_counter() + 60 * minutes
    with tempfile.TemporaryDirectory() as folder:
        valid = {}
        for kind in kinds:
            (Path(folder) / "valid" / kind).mkdir(parents=True)
            valid[kind] = KINDS[kind][0](Path(folder) / "valid" / kind)
            KINDS[kind][1](valid[kind])
        gc.collect()
        gc.freeze()  # else each child would copy what it looks at
        for start in range(first, first + files, BATCH):
            seeds = range(start, min(start + BATCH, first + files))
            for kind in kinds:
                if time.perf_counter() > end:
                    return rows
                tried(kind, valid[kind], seeds, Path(folder) / "case", rows[kind])
    return rows


if __name__ == "__main__":
    count, start = (int(word) for word in (*sys.argv[1:3], *("200", "0")[len(sys.argv[1:3]) :]))
    result = study(sys.argv[3:] or list(KINDS), count, start, float(os.environ.get("FUZZING_MINUTES", "inf")))
    print(
        "| kind | files | read | refused | defects | worst memory, MB | worst time, s |\n|---|---|---|---|---|---|---|"
    )
    for name, about in result.items():
        seen = about.outcomes
        print(
            f"| {name} | {seen.total()} | {seen['read']} | {seen['refused']} | {seen['defect']} |"
            f" {about.memory >> 20} | {about.seconds:.1f} |"
        )
    for about in result.values():
        for text in about.defects:
            print("\n" + text)
