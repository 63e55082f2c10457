"""Many independent tasks in an executor: every one gets its answer, whatever happens to the others.

A worker process that dies takes its tasks with it. They are done again, one at a time, so that a task that kills
its worker is found and the others do not suffer for it.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

from .choices import ONE_THREAD

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from loky import ProcessPoolExecutor

AHEAD = 256
"""Tasks that wait in an executor at a time: bounds the memory of results that nobody has taken yet."""
_IDLE = 60.0
_LOOK = 1.0
_SINGLE_THREADED = dict.fromkeys(ONE_THREAD, "1")


@dataclass(frozen=True)
class Task:
    """What to do: `work(*arguments)`, a function that other processes can import."""

    name: str
    work: Callable[..., Any]
    arguments: tuple[Any, ...]


Done = Callable[[int, int, int], None]
"""Told how many are finished, how many of them failed, and how many there are."""


class WorkerDied(Exception):
    """A task that has no answer because its process died with it, also when it ran alone."""


Finished = Callable[[Task, Any, Exception | None], None]
"""Told the answer of each task, in the order in which they come, or the error that it raised."""


def run_tasks(
    tasks: Iterable[Task], finished: Finished, *, executor: Executor | None = None, cores: int | None = None
) -> None:
    """Do all tasks and tell `finished`, in this thread.

    executor : any of `concurrent.futures`' kind; None: one process per core, or this process where there is one core
    """
    waiting = deque(tasks)
    if executor is not None:
        for task in [*_run(waiting, finished, executor, AHEAD), *waiting]:
            finished(task, None, WorkerDied("the executor broke; start again to go on"))
        return
    count = min(cores or available_cores(), len(waiting))
    if count <= 1:
        for task in waiting:
            _tell(finished, task, partial(task.work, *task.arguments))
        return
    while waiting:
        suspects = deque(_in_processes(waiting, finished, count, 2 * count))
        while suspects:
            for task in _in_processes(suspects, finished, 1, 1):
                finished(task, None, WorkerDied("its process died, also when it ran alone"))


def processes(count: int, idle: float | None = _IDLE) -> ProcessPoolExecutor:
    """New processes of one thread each, which end with this one, and after so many seconds without a task."""
    from loky import ProcessPoolExecutor

    return ProcessPoolExecutor(count, timeout=idle, initializer=_begin, initargs=(os.getpid(),), env=_SINGLE_THREADED)


def _in_processes(waiting: deque[Task], finished: Finished, count: int, ahead: int) -> list[Task]:
    """Do tasks in new processes until all are done or one dies; the tasks that were lost with it."""
    pool = processes(count)
    try:
        lost = _run(waiting, finished, pool, ahead)
    except BaseException:
        pool.shutdown(kill_workers=True)
        raise
    pool.shutdown(kill_workers=bool(lost))
    return lost


def _begin(parent: int) -> None:
    """What a worker does first."""
    gc.set_threshold(200_000)  # most objects of a fit live as long as it
    Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this process soon after its parent: with an answer that nobody takes it would wait for ever."""
    while os.getppid() == parent:
        time.sleep(_LOOK)
    os._exit(1)


def _run(waiting: deque[Task], finished: Finished, executor: Executor, ahead: int) -> list[Task]:
    """Do tasks until all are done or the executor breaks; the tasks that it had then."""
    running: dict[Future[Any], Task] = {}
    lost: list[Task] = []
    try:
        while (waiting and not lost) or running:
            while waiting and not lost and len(running) < ahead:
                task = waiting.popleft()
                try:
                    running[executor.submit(task.work, *task.arguments)] = task
                except BrokenExecutor:
                    lost.append(task)
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                task = running.pop(future)
                if not future.cancelled() and isinstance(future.exception(), BrokenExecutor):
                    lost.append(task)
                else:
                    _tell(finished, task, future.result)
    except BaseException:
        for future in running:
            future.cancel()
        raise
    return lost


def _tell(finished: Finished, task: Task, answer: Callable[[], Any]) -> None:
    try:
        value = answer()
    except Exception as error:
        finished(task, None, error)
    else:
        finished(task, value, None)


def available_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_threads[A, R](work: Callable[[A], R], some: Sequence[A], cores: int) -> list[R]:
    """`work` of each; it must spend its time outside Python's lock, in machine code or linear algebra."""
    if cores < 2 or len(some) < 2:
        return [work(one) for one in some]
    with ThreadPoolExecutor(cores) as executor:
        return list(executor.map(work, some))


def beside[T](work: Callable[[], T], cores: int | None = None) -> Callable[[], T]:
    """Begin `work` in a copy of this process, and go on; what is returned waits for its answer.

    Where there is one core, or no copy (not Linux) or no answer of it, the work is done when it is asked for. Only for
    a process without threads that do something: a command, not a notebook.
    """
    if (cores or available_cores()) < 2 or sys.platform != "linux":
        return work
    from multiprocessing import get_context

    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the idle threads of the linear algebra
        copy = context.Process(target=_answer, args=(work, sender, receiver), daemon=True)
        copy.start()
    sender.close()

    def answer() -> T:
        try:
            found: T = receiver.recv()
        except (EOFError, OSError):  # none, or one that was cut off
            return work()
        return found

    return answer


def _answer(work: Callable[[], Any], sender: Connection, receiver: Connection) -> None:
    receiver.close()  # else it would wait for ever for its parent to read, were that killed
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with its parent, which says so
    with suppress(Exception):  # raised again where the answer is missed
        sender.send(work())
