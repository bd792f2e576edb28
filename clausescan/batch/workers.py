"""Processes that share nothing but the model's file, each doing one photo at a time, watched from outside.

A worker that takes too long, grows too large or dies costs its photo, never the batch: it is ended and replaced. When
the batch itself is killed, its workers see the pipe to it close and end at once.
"""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, NoReturn

from clausescan.batch.job import Job, Outcome, work
from clausescan.config import ExtractConfig
from clausescan.errors import ClausescanError, ModelError, OutputError, UsageError
from clausescan.providers.registry import is_loaded_whole

LOOK_SECONDS = 0.1
"""Between two looks at the time and memory of the workers."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """What a worker may use."""

    timeout: float | None = None
    memory_mb: int | None = None


def run_jobs(jobs: Iterator[Job], workers: int, limits: Limits, loader: str, config: ExtractConfig) -> Iterator[Outcome]:
    """The outcome of every job, as they come. `jobs` is drawn from as workers become free.

    Raises what a worker's loading of the model raises, and `OutputError` where a worker cannot write.
    """
    pool = _Pool(jobs, workers, limits, loader, config)
    try:
        while pool.keep_up():
            yield from pool.look()
    finally:
        pool.end()


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    ready: bool = False
    job: Job | None = None
    done: int = 0
    """Photos it has had; 0 for a fresh one."""
    began: float = field(default_factory=time.monotonic)


class _Pool:
    def __init__(self, jobs: Iterator[Job], count: int, limits: Limits, loader: str, config: ExtractConfig) -> None:
        self._jobs, self._count, self._limits = jobs, count, limits
        self._model = (loader, config)
        self._workers: list[_Worker] = []
        self._pending: deque[Job] = deque()
        self._again: deque[Job] = deque()
        """For fresh workers only: jobs that were lost to what earlier photos had left in a worker's memory."""

    def keep_up(self) -> bool:
        """Start the workers that jobs are waiting for; False when there is nothing left to do."""
        self._pending.extend(itertools.islice(self._jobs, max(self._count - len(self._pending), 0)))
        for worker in self._workers:
            if worker.ready and worker.job is None:  # it found nothing to do before another worker's job came back
                self._give(worker)
        free = [worker for worker in self._workers if worker.job is None]
        lacking = max(len(self._again) - sum(not worker.done for worker in free), 0)
        lacking = max(lacking, len(self._again) + len(self._pending) - len(free))
        for _ in range(min(lacking, self._count - len(self._workers))):
            self._workers.append(_start(*self._model))
        return bool(self._pending or self._again) or any(worker.job for worker in self._workers)

    def look(self) -> Iterator[Outcome]:
        """Wait a moment for news; take them, and end workers that are over their limits."""
        limited = self._limits.timeout is not None or self._limits.memory_mb is not None
        news = set(wait([w.pipe for w in self._workers], LOOK_SECONDS if limited else 1.0))
        for worker in list(self._workers):
            if worker.pipe in news:
                yield from self._hear(worker)
            elif reason := self._over(worker):
                yield from self._lose(worker, *reason)

    def end(self) -> None:
        """End all workers. Those that are busy leave only their stage behind."""
        for worker in self._workers:
            _stop(worker)
        self._workers.clear()

    def _hear(self, worker: _Worker) -> Iterator[Outcome]:
        try:
            kind, content = worker.pipe.recv()
        except (EOFError, OSError):
            yield from self._lose(worker, "crashed", f"the process that read it ended ({_death(worker)})")
            return
        if kind == "error":
            raise content
        worker.job = None
        worker.ready = True
        worker.done += kind == "outcome"
        self._give(worker)  # before its outcome is dealt with, so that it does not wait
        if kind == "outcome":
            yield content

    def _give(self, worker: _Worker) -> None:
        waiting = self._pending if worker.done or not self._again else self._again
        self._pending.extend(itertools.islice(self._jobs, int(not waiting)))
        if not waiting:
            return
        job = waiting.popleft()
        try:
            worker.pipe.send(job)
        except OSError:  # it died between two photos, and will be found dead
            waiting.appendleft(job)
        else:
            worker.job, worker.began = job, time.monotonic()

    def _over(self, worker: _Worker) -> tuple[str, str] | None:
        timeout, memory = self._limits.timeout, self._limits.memory_mb
        if timeout is not None and worker.job is not None and time.monotonic() - worker.began > timeout:
            return "timeout", f"took longer than {timeout:g} s; allow more with --timeout and --retry-failed"
        if memory is not None and resident_bytes(worker.process.pid) > memory * 1_000_000:
            return "memory", f"needed more than {memory} MB; allow more with --memory and --retry-failed"
        return None

    def _lose(self, worker: _Worker, reason: str, message: str) -> Iterator[Outcome]:
        """A worker is gone, or has to go; its photo failed, or is done again where earlier ones may have used up the memory."""
        self._workers.remove(worker)
        _stop(worker)
        if not worker.ready:
            if reason == "memory":
                raise UsageError(f"--memory {self._limits.memory_mb} is less than the model alone needs")
            raise ModelError(f"a worker ended while it loaded the model ({_death(worker)})")
        if worker.job is not None and reason == "memory" and worker.done:
            self._again.append(worker.job)
        elif worker.job is not None:
            name = worker.job.file.rsplit("/", 1)[-1]
            yield Outcome(worker.job, "failed", reason, f"{name}: {message}", worker.job.sha256)


def _start(loader: str, config: ExtractConfig) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, loader, config), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _stop(worker: _Worker) -> None:
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()


def _death(worker: _Worker) -> str:
    worker.process.join(1)
    code = worker.process.exitcode
    return f"signal {-code}" if code is not None and code < 0 else f"status {code}"


def resident_bytes(pid: int) -> int:
    """Memory of a process that is really in use; 0 when it is gone."""
    if sys.platform == "linux":
        try:
            return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError, ValueError):
            return 0
    done = subprocess.run(["/bin/ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=False)  # noqa: S603
    return int(done.stdout or 0) * 1024


def serve(pipe: Connection, loader: str, config: ExtractConfig) -> None:
    """A worker's life: load the model, then do one photo after the other until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the batch decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if not is_loaded_whole(config):  # such a model is meant to have all cores, and by default one worker
        _one_thread()
    try:
        module, name = loader.split(":")
        model = getattr(importlib.import_module(module), name)(config)
    except ClausescanError as error:
        _fail(pipe, error)
    except Exception as error:
        _fail(pipe, ModelError(f"the model cannot be loaded ({type(error).__name__})"))
    pipe.send(("ready", None))
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(("outcome", work(job, model)))
        except OutputError as error:
            _fail(pipe, error)


def _fail(pipe: Connection, error: ClausescanError) -> NoReturn:
    kinds = (UsageError, ModelError, OutputError)  # kin of theirs may need more than a message to be made again
    kind = next((kind for kind in kinds if isinstance(error, kind)), ClausescanError)
    pipe.send(("error", kind(str(error))))
    raise SystemExit(0)


def _one_thread() -> None:
    """Before anything is imported that starts threads: the processes are the parallelism."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"), TOKENIZERS_PARALLELISM="false")
    import cv2

    cv2.setNumThreads(1)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)
