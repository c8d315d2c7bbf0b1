"""Readers that read objects at random, compare every byte and keep how long each read took, for rigs that take something away."""

import random
import threading
import time
from dataclasses import dataclass

import requests

from . import part10
from .ingest import Objects


@dataclass
class Read:
    """One read, by the clock of this process."""

    begun: float
    seconds: float


class Reads:
    """Reads from several threads, each at one of the servers; none may fail, none may be wrong."""

    def __init__(self, webs, objects: Objects, numbers, seed: int, *, count=None, readers=3):
        """`webs` makes the client of a reader from its number. Without a count they read until they are ended."""
        self.done, self.failures, self.wrong = [], [], []
        self._lock, self._ended = threading.Lock(), threading.Event()
        share = None if count is None else -(-count // readers)
        self._threads = [
            threading.Thread(target=self._read, args=(webs(number), objects, list(numbers), share, random.Random(seed + number)))
            for number in range(readers)
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> "Reads":
        for thread in self._threads:
            thread.join()
        return self

    def end(self) -> "Reads":
        self._ended.set()
        return self.join()

    def count(self, since=0.0, until=float("inf")) -> int:
        return len(self._between(since, until))

    def milliseconds(self, since=0.0, until=float("inf")) -> dict:
        """Percentiles of what was begun in a stretch of time."""
        ordered = sorted(read.seconds for read in self._between(since, until))
        at = lambda percent: ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]
        return {f"p{percent}_ms": round(1000 * at(percent), 1) for percent in (50, 95, 99)}

    def slowest_ms(self, since=0.0, until=float("inf")) -> float:
        return round(1000 * max(read.seconds for read in self._between(since, until)), 1)

    def _between(self, since: float, until: float) -> list:
        with self._lock:
            return [read for read in self.done if since <= read.begun < until]

    def _read(self, web, objects: Objects, numbers: list, share, dice: random.Random):
        left = share
        while left != 0 and not self._ended.is_set():
            left = left and left - 1
            number = dice.choice(numbers)
            begun = time.monotonic()
            try:
                answer = web.get(objects.path(number), "application/dicom; transfer-syntax=*")
                status, content = answer.status_code, answer.content
            except requests.RequestException as error:
                status, content = str(error), b""
            read = Read(begun, time.monotonic() - begun)
            right = status == 200 and part10.data_set_bytes(content) == part10.data_set_bytes(objects.file(number))
            with self._lock:
                self.done.append(read)
                if status != 200:
                    self.failures.append((number, status))
                elif not right:
                    self.wrong.append(number)
