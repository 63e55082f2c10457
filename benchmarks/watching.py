"""`dissentangle watch` under 100 changes of a file, half of them broken or written in two parts: what is lost, how fast
a fit follows a change, how the memory grows. python benchmarks/watching.py [CHANGES]
"""

import json
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dissentangle import datasets
from dissentangle.inference import read_fit
from dissentangle.inference.model import data_hash

WAIT = 60.0


def memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1e6


def lines(file: Path) -> list[dict]:
    """The lines so far that are whole."""
    return [json.loads(one) for one in file.read_text().split("\n")[:-1]] if file.exists() else []


def change(file: Path, table: list[str], number: int) -> bool:
    """Change the table in one of four ways; whether it can be read afterwards."""
    text = "".join(table[: -1 - number % 7])
    if number % 4 == 1:
        file.write_text(text[: len(text) // 2] + "\n1,what")
    elif number % 4 == 3:
        half = text.index(",", len(text) // 2) + 1
        with file.open("w") as part:
            part.write(text[:half])
            part.flush()
            time.sleep(0.3)
            part.write(text[half:])
    else:
        file.write_text(text)
    return number % 4 != 1


def main(changes: int) -> None:
    """Print what became of each change."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell switches it off for what runs in the background
    with tempfile.TemporaryDirectory() as place:
        run, live = Path(place) / "run", Path(place) / "live"
        datasets.save(datasets.read("fig2b-d55"), run)
        words = ["-m", "dissentangle.inference", "watch"]
        command = [sys.executable, *words, run, "-o", live, "--page", f"{place}/live.html"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        file, table = run / "xi.csv", (run / "xi.csv").read_text().splitlines(keepends=True)
        while not lines(live / "watch.jsonl"):
            time.sleep(0.1)
        followed, lost, sizes = [], 0, []
        for number in range(changes):
            before = len(lines(live / "watch.jsonl"))
            readable, start = change(file, table, number), time.monotonic()
            wanted = data_hash(datasets.read(run)) if readable else None
            while time.monotonic() - start < WAIT:
                new = lines(live / "watch.jsonl")[before:]
                found = [one for one in new if ("file" in one) == readable]
                if found and (not readable or read_fit(live / found[-1]["file"]).attrs["data_sha256"] == wanted):
                    break
                time.sleep(0.02)
            else:
                lost += 1
            if readable:
                followed.append(time.monotonic() - start)
            sizes.append(memory(process.pid))
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        print(f"ended with {process.wait()}; {changes} changes, {lost} lost; fit after the change: median "
              f"{sorted(followed)[len(followed) // 2]:.2f} s, longest {max(followed):.2f} s")  # fmt: skip
        seconds = sorted(one["seconds"] for one in lines(live / "watch.jsonl") if "seconds" in one)
        print(
            f"of these, from the files to the fit: median {seconds[len(seconds) // 2]:.2f} s, least {seconds[0]:.2f} s"
        )
        tenth = max(1, changes // 10)
        print(f"memory after {tenth} changes {sizes[tenth - 1]:.0f} MB, after {changes} {sizes[-1]:.0f} MB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
