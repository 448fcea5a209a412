"""The threads of a bridge, and who may hold one for how long.

An ordinary request takes one of `threads`; more wait in a queue with a bound. A job that waits for
its client, because it streams, is moved out of that budget after a moment: its thread goes on and
another takes its place, up to `streams` of them. So neither a hundred event streams nor a hundred
stalled uploads keep an ordinary request from its thread.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
import weakref
from dataclasses import dataclass
from queue import SimpleQueue


@dataclass(frozen=True, slots=True)
class BridgeStats:
    """What a bridge is doing and has done, for metrics.

    Attributes:
        threads: threads that exist.
        busy: ordinary requests that hold a thread.
        queued: requests that wait for a thread.
        streaming: streaming responses and uploads under way.
        requests: requests that were handed to a thread or queued for one, in all.
        refused_queue: refused because the queue was full, in all.
        refused_streams: refused because too many were streaming, in all.
        expired: refused after `queue_timeout` in the queue, in all.
        disconnected: clients that went away before their answer was whole, in all.
        failed: exceptions that the application raised, in all.
    """

    threads: int
    busy: int
    queued: int
    streaming: int
    requests: int
    refused_queue: int
    refused_streams: int
    expired: int
    disconnected: int
    failed: int


class Job:
    """Something that runs on a thread of the pool."""

    __slots__ = ("_detached", "_finished", "_streaming")

    def __init__(self) -> None:
        self._streaming = False
        self._detached = False
        self._finished = False

    def run(self) -> None:
        """Do the work. It must not raise."""
        raise NotImplementedError

    def over(self) -> None:
        """Tell whoever waits for it: its place is free again. It must not raise."""


class Pool:
    """Threads that are started when they are needed and are daemons.

    Daemons, because a hung application must not keep the process from ending; whoever is to finish
    first is waited for by `join`.
    """

    def __init__(self, threads: int, streams: int, queue: int) -> None:
        self._threads = threads
        self._streams = streams
        self._bound = threads + queue
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._numbers = itertools.count(1)
        # All below under the lock. `alive - detached` threads take jobs from the queue; at most
        # `threads` of them, so that is the bound of ordinary concurrency.
        self._alive = 0
        self._detached = 0
        self._streaming = 0
        self._ordinary = 0  # queued or running, not detached
        self._generation = 0
        self.requests = 0
        self.refused_queue = 0
        self.refused_streams = 0
        self.expired = 0
        self.failed = 0
        _reset_in_child(self)

    def submit(self, job: Job, *, streaming: bool = False, bounded: bool = True) -> bool | None:
        """Hand over a job.

        Args:
            job: what to run.
            streaming: whether it is known to wait for its client.
            bounded: whether it may be refused. What ends a request that has begun may not.

        Returns:
            True where a thread is free to take it, False where it has to wait for one, None where
            it is refused.
        """
        with self._lock:
            if bounded and self._ordinary >= self._bound:
                self.refused_queue += 1
                return None
            if streaming:
                if self._streaming >= self._streams:
                    self.refused_streams += 1
                    return None
                self._streaming += 1
                job._streaming = True
            self.requests += 1
            self._ordinary += 1
            start = self._needs_thread()
            at_once = self._ordinary <= self._alive - self._detached
        if start:
            try:
                self._start()
            except RuntimeError:
                self.release(job)
                raise
        self._jobs.put(job)
        return at_once

    def reserve(self, job: Job) -> bool:
        """Count a job as streaming; False where there are too many already. From its thread."""
        with self._lock:
            if job._streaming:
                return True
            if self._streaming >= self._streams:
                self.refused_streams += 1
                return False
            self._streaming += 1
            job._streaming = True
            return True

    def reserve_elsewhere(self) -> bool:
        """Count somebody who waits for a client on a thread that is not of this pool.

        False where there are too many already; otherwise `free_elsewhere` ends it.
        """
        with self._lock:
            if self._streaming >= self._streams:
                self.refused_streams += 1
                return False
            self._streaming += 1
            return True

    def free_elsewhere(self) -> None:
        """See `reserve_elsewhere`."""
        with self._lock:
            self._streaming -= 1

    def detach(self, job: Job) -> None:
        """Take a streaming job out of the ordinary budget, if it still runs. From any thread."""
        with self._lock:
            if job._finished or job._detached or not job._streaming:
                return
            job._detached = True
            self._detached += 1
            self._ordinary -= 1
            start = self._needs_thread()
        if start:
            self._start()

    def release(self, job: Job) -> None:
        """Forget a job that will never run."""
        with self._lock:
            self._finish(job)

    def reset(self) -> None:
        """Forget all threads: those of a parent process do not exist after a fork."""
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)
        self._forget()

    def _forget(self) -> None:
        self._generation += 1
        self._jobs = SimpleQueue()
        self._alive = self._detached = self._streaming = self._ordinary = 0

    def _needs_thread(self) -> bool:
        pulling = self._alive - self._detached
        if pulling < self._threads and self._ordinary > pulling:
            self._alive += 1
            return True
        return False

    def _start(self) -> None:
        name = f"crossfade-bridge-{next(self._numbers)}"
        thread = threading.Thread(
            target=self._work, args=(self._jobs, self._generation), name=name, daemon=True
        )
        try:
            thread.start()
        except RuntimeError:
            # No more threads to be had from the system; those that run go on.
            with self._lock:
                self._alive -= 1
                if not self._alive:
                    raise

    def _work(self, jobs: SimpleQueue[Job | None], generation: int) -> None:
        while True:
            job = jobs.get()
            if job is None:
                break
            job.run()
            with self._lock:
                forgotten = generation != self._generation
                if not forgotten:
                    self._finish(job)
                surplus = self._alive - self._detached > self._threads
            job.over()
            del job
            if forgotten:
                return
            if surplus:
                break
        with self._lock:
            if generation == self._generation:
                self._alive -= 1
                self._idle.notify_all()

    def _finish(self, job: Job) -> None:
        if job._finished:
            return
        job._finished = True
        if job._streaming:
            self._streaming -= 1
        if job._detached:
            self._detached -= 1
        else:
            self._ordinary -= 1
        if not self._ordinary and not self._detached:
            self._idle.notify_all()

    def expire(self, job: Job) -> None:
        """Forget a job that has waited for too long, and count it."""
        with self._lock:
            self.expired += 1
            self._finish(job)

    def count_failure(self) -> None:
        """Count an exception of the application."""
        with self._lock:
            self.failed += 1

    def stats(self, disconnected: int = 0) -> BridgeStats:
        """Return what the threads are doing and have done.

        Args:
            disconnected: clients that went away, which only who serves them knows.
        """
        with self._lock:
            pulling = self._alive - self._detached
            busy = min(self._ordinary, pulling)
            return BridgeStats(
                threads=self._alive,
                busy=busy,
                queued=self._ordinary - busy,
                streaming=self._streaming,
                requests=self.requests,
                refused_queue=self.refused_queue,
                refused_streams=self.refused_streams,
                expired=self.expired,
                disconnected=disconnected,
                failed=self.failed,
            )

    def join(self, timeout: float) -> bool:
        """Wait until nothing runs, send the threads home, and start afresh.

        Returns whether everything had ended in time. Threads that had not are left behind: they
        end with their job, or with the process.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            while self._ordinary or self._detached:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._idle.wait(left)
            done = not (self._ordinary or self._detached)
            for _ in range(self._alive):
                self._jobs.put(None)
            if done:
                while self._alive and (left := deadline - time.monotonic()) > 0:
                    self._idle.wait(left)
            self._forget()
        return done


def _reset_in_child(pool: Pool) -> None:
    reference = weakref.ref(pool)

    def reset() -> None:
        pool = reference()
        if pool is not None:
            pool.reset()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=reset)
