"""Tasks in executors: every one gets its answer, also when worker processes die."""

import operator
import os
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from dissentangle.inference import parallel
from dissentangle.inference.parallel import Task, WorkerDied, beside, run_tasks


def collected(tasks, **options):
    answers = {}

    def finished(task, answer, error):
        assert task.name not in answers
        answers[task.name] = answer if error is None else error

    run_tasks(tasks, finished, **options)
    return answers


def adding(names):
    return [Task(name, operator.add, (1, k)) for k, name in enumerate(names)]


@pytest.mark.parametrize("cores", [1, 2])
def test_answers_and_errors(cores):
    answers = collected([*adding("abc"), Task("bad", operator.truediv, (1, 0))], cores=cores)
    assert {name: answers[name] for name in "abc"} == {"a": 1, "b": 2, "c": 3}
    assert isinstance(answers["bad"], ZeroDivisionError)


def test_a_task_that_kills_its_process_is_found_and_takes_nobody_with_it():
    answers = collected([*adding("abcd"), Task("killer", os._exit, (1,)), *adding("efgh")], cores=2)
    assert isinstance(answers.pop("killer"), WorkerDied)
    assert sorted(answers.values()) == [1, 1, 2, 2, 3, 3, 4, 4]


def test_any_executor():
    with ThreadPoolExecutor(3) as pool:
        assert collected(adding("abcdef"), executor=pool) == {name: k + 1 for k, name in enumerate("abcdef")}


class Breaking(Executor):
    """Does one task and then breaks."""

    def __init__(self):
        self.left = 1

    def submit(self, function, /, *arguments):
        future = Future()
        if self.left:
            future.set_result(function(*arguments))
        else:
            future.set_exception(BrokenExecutor())
        self.left = 0
        return future


def test_an_executor_that_breaks_leaves_nobody_without_an_answer():
    answers = collected(adding("abc"), executor=Breaking())
    assert answers["a"] == 1
    assert all(isinstance(answers[name], WorkerDied) for name in "bc")
    assert "start again to go on" in str(answers["b"])


def test_an_interruption_stops_the_processes():
    def finished(*_):
        raise KeyboardInterrupt

    start = time.monotonic()
    tasks = [Task("quick", operator.add, (1, 1)), *(Task(str(k), time.sleep, (60,)) for k in range(4))]
    with pytest.raises(KeyboardInterrupt):
        run_tasks(tasks, finished, cores=2)
    assert time.monotonic() - start < 30


SLEEPING = """
import sys, time
from dissentangle.inference.parallel import Task, run_tasks
tasks = [Task(name, exec, (f"import os, time; open({sys.argv[1]!r} + '/' + str(os.getpid()), 'w'); time.sleep(300)",))
         for name in "ab"]
run_tasks(tasks, print, cores=2)
"""


def test_processes_end_with_one_that_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", SLEEPING, str(tmp_path)], stderr=subprocess.DEVNULL) as parent:
        until(lambda: len(list(tmp_path.iterdir())) == 2)
        parent.kill()
    workers = [int(path.name) for path in tmp_path.iterdir()]
    until(lambda: not any(runs(worker) for worker in workers))


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _dies(parent):
    if os.getpid() != parent:
        os._exit(1)
    return 3


@pytest.mark.parametrize("cores", [1, 2])
def test_work_beside_gives_its_answer_its_error_or_is_done_again(cores):
    assert beside(partial(operator.add, 1, 2), cores)() == 3
    with pytest.raises(ZeroDivisionError):
        beside(partial(operator.truediv, 1, 0), cores)()
    assert beside(partial(_dies, os.getpid()), cores)() == 3


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process only on Linux")
def test_work_beside_is_done_in_another_process():
    assert beside(os.getpid, 2)() != os.getpid() == beside(os.getpid, 1)()


def test_an_answer_that_is_cut_off_is_made_again(monkeypatch):
    def killed_while_it_sends(work, sender, receiver):
        os.write(sender.fileno(), (100).to_bytes(4, "big") + b"short")

    monkeypatch.setattr(parallel, "_answer", killed_while_it_sends)
    assert beside(partial(operator.add, 1, 2), 2)() == 3


ANSWERING = """
import os, signal, sys
from pathlib import Path
from dissentangle.inference.parallel import beside

def large():
    Path(sys.argv[1], str(os.getpid())).touch()
    return bytes(10**7)

beside(large, 2)
signal.pause()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="copies of a process only on Linux")
def test_a_copy_whose_answer_nobody_takes_ends_with_its_parent(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ANSWERING, str(tmp_path)]) as parent:
        until(lambda: list(tmp_path.iterdir()))
        parent.kill()
    (copy,) = (int(path.name) for path in tmp_path.iterdir())
    until(lambda: not runs(copy))
