"""Nothing is lost: verbs that write are killed, run twice at once, lose their folder, may not write, have no room.

python benchmarks/interruptions.py [TRIES] [WAY ...] [VERB ...]
WAY: kills, twice, removed, read-only, full; kills by default
VERB: fit, campaign, compare, sbc, and for full also report, simulate, demodulate; all by default; 50 tries each

kills: at random moments, by SIGKILL, SIGTERM or SIGINT
twice: the same command a second time, at once or at a random moment
removed: the output folder, at a random moment, at one stroke or file by file
read-only: the output folder, before the verb starts or at a random moment
full: no file may become larger than a random size (RLIMIT_FSIZE); old files of another seed (of fewer simulations)
      are there

After each try the files are looked at: each must be whole, the old one or the new one. A verb ends with its usual exit
code, or with 2 and one line that says why. At the end it runs undisturbed, and its numbers must be those of a run
that was left alone.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from disturbed_verbs import (
    OLD,
    QUICK_VERBS,
    VERBS,
    arguments,
    names_in,
    prepare,
    same,
    temporaries,
    whole,
)

from dissentangle import inference

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def start(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def ended(process: subprocess.Popen[str]) -> str:
    """How a verb ended: "done", or "said why" with exit code 2; AssertionError for anything else."""
    out, said = process.communicate(timeout=300)
    if process.returncode in (0, 1) and not out + said:
        return "done"
    assert process.returncode == 2, (process.args, process.returncode, out, said)
    assert said.startswith("dissentangle: "), (process.args, said)
    assert said.count("\n") == 1, (process.args, said)
    return "said why"


def killed(command: list[str], after: float, kind: signal.Signals) -> bool:
    """Run, and kill after so many seconds; whether it was still running. Children go with it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        if kind == signal.SIGKILL:
            os.killpg(process.pid, kind)
        else:
            process.send_signal(kind)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return True


def undisturbed_run(verb: str, base: Path) -> tuple[Path, float]:
    """The folder of a run that is left alone, and how long it took."""
    folder, begin = base / f"{verb} undisturbed", time.perf_counter()
    folder.mkdir()
    if verb == "report":
        inference.save_fit(inference.fit("fig2b-d55", seed=9, draws=100), base / "fit of the report.nc")
    process = start(arguments((VERBS | QUICK_VERBS)[verb][0], folder))
    assert ended(process) == "done"
    return folder, time.perf_counter() - begin


def interrupted(verb: str, kills: int, base: Path, seed: int = 1) -> str:
    """Kill a verb so often, let it end, compare; a row of a table. AssertionError where something was lost."""
    command_of, result = VERBS[verb]
    undisturbed, took = undisturbed_run(verb, base)
    disturbed, rng = base / f"{verb} disturbed", random.Random(seed)
    disturbed.mkdir()
    old = None
    if verb == "fit":  # over an older file, which must be there until the new one is
        old = base / "old.nc"
        inference.save_fit(inference.fit("fig2b-d55", seed=9, draws=100), old)
    running, states = 0, {"old": 0, "new": 0, "none": 0}
    for k in range(kills):
        if old is not None:
            shutil.copy(old, disturbed / "fit.nc")
        elif k % 5 == 4:  # now and then from the beginning
            shutil.rmtree(disturbed)
            disturbed.mkdir()
        running += killed(arguments(command_of, disturbed), rng.uniform(0.2, 1.02 * took), rng.choice(SIGNALS))
        whole(disturbed)
        if old is not None:
            states["old" if same(disturbed / "fit.nc", old) else "new"] += 1
            assert same(disturbed / "fit.nc", old) or same(disturbed / "fit.nc", undisturbed / "fit.nc")
    assert ended(start(arguments(command_of, disturbed))) == "done"
    assert same(disturbed / result, undisturbed / result), f"{verb}: other numbers after interruptions"
    left = temporaries(disturbed)
    shutil.rmtree(undisturbed), shutil.rmtree(disturbed)
    seen = f"{states['old']} old, {states['new']} new" if old is not None else "all whole"
    return f"| {verb} | {kills} | {running} | {seen} | the same | {left} | {took:.1f} |"


def twice(command: list[str], folder: Path, took: float, rng: random.Random) -> list[str]:
    first = start(command)
    time.sleep(rng.choice((0.0, rng.uniform(0, took))))
    second = start(command)
    return [ended(first), ended(second)]


def removed(command: list[str], folder: Path, took: float, rng: random.Random) -> list[str]:
    process = start(command)
    time.sleep(rng.uniform(0.2, took))
    gone = folder
    if rng.random() < 0.5:
        gone = folder.with_name(f"{folder.name} gone")
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)  # a file that is written meanwhile stays
    return [ended(process)]


BOUND = """
import ctypes, os, sys
if os.geteuid() == 0:
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        assert ctypes.CDLL(None).prctl(24, capability, 0, 0, 0) == 0  # PR_CAPBSET_DROP
os.execv(sys.argv[1], sys.argv[1:])
"""
"""Python that starts a command which permissions bind, root's, too."""
LIMITED = """
import os, resource, sys
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"  # Python keeps the part of it for which there is room
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Python that starts a command whose files must not become larger than so many bytes."""


def read_only(command: list[str], folder: Path, took: float, rng: random.Random) -> list[str]:
    def allow(mode: int) -> None:
        for path in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
            path.chmod(mode)

    before = rng.random() < 0.3
    if before:
        allow(0o555)
    process = start([sys.executable, "-c", BOUND, *command])
    if not before:
        time.sleep(rng.uniform(0.2, took))
        allow(0o555)
    outcome = ended(process)
    allow(0o755)
    return [outcome]


def full(command: list[str], folder: Path, took: float, rng: random.Random) -> list[str]:
    whole_run = folder.with_name(folder.name.replace("disturbed", "undisturbed"))
    size = rng.randint(200, max(path.stat().st_size for path in whole_run.rglob("*") if path.is_file()))
    return [ended(start([sys.executable, "-c", LIMITED, str(size), *command]))]


WAYS = {"twice": twice, "removed": removed, "read-only": read_only, "full": full}
EVERY = 4
"""Tries after which the verb runs undisturbed and its numbers are compared, and after the last."""


def tried(way: str, verb: str, tries: int, base: Path, seed: int = 1) -> str:
    """Disturb a verb so often in a way; a row of a table. AssertionError where something was lost or not said."""
    command_of, result = (VERBS | QUICK_VERBS)[verb]
    undisturbed, took = undisturbed_run(verb, base)
    disturbed, old, rng = base / f"{verb} disturbed", base / f"{verb} old", random.Random(seed)
    old.mkdir()
    if way == "full" and verb in OLD:
        assert ended(start(arguments(command_of, old, *OLD[verb]))) == "done"
    outcomes: list[str] = []
    for k in range(tries):
        shutil.rmtree(disturbed, ignore_errors=True)
        shutil.copytree(old, disturbed)
        command = arguments(command_of, disturbed)
        outcomes += WAYS[way](command, disturbed, took, rng)
        whole(disturbed)
        if way == "full" and "said why" in outcomes[-1:]:
            assert all(path.is_file() for path in map(disturbed.joinpath, names_in(old)))
        assert temporaries(disturbed) == 0
        if (
            way != "twice"
            and (k % EVERY == 0 or k == tries - 1)
            and not (verb == "simulate" and (disturbed / result).exists())
        ):
            assert ended(start(arguments(command_of, disturbed))) == "done"
        if way == "twice" or k % EVERY == 0 or k == tries - 1:
            assert same(disturbed / result, undisturbed / result), f"{verb}: other numbers after {way}"
    for folder in (undisturbed, old, disturbed):
        shutil.rmtree(folder)
    counts = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in ("done", "said why"))
    return f"| {way} | {verb} | {tries} | {counts} | the same | {took:.1f} |"


def main(words: list[str]) -> None:
    count = int(words.pop(0)) if words and words[0].isdigit() else 50
    ways = [word for word in words if word in WAYS or word == "kills"] or ["kills"]
    verbs = [word for word in words if word not in ways]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        prepare(place, 4)
        if "kills" in ways:
            header("verb | kills | while it ran | files after a kill | numbers in the end | temporary files left |"
                   " undisturbed, s")  # fmt: skip
            for verb in verbs or VERBS:
                print(interrupted(verb, count, place), flush=True)
        others = [way for way in ways if way != "kills"]
        if others:
            header("what | verb | tries | how it ended | numbers in the end | undisturbed, s")
        for way in others:
            for verb in verbs or (VERBS | QUICK_VERBS if way == "full" else VERBS):
                print(tried(way, verb, count, place), flush=True)


def header(columns: str) -> None:
    print(f"| {columns} |\n{'|---' * (columns.count('|') + 1)}|", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
