"""Senders that keep a book of what was acknowledged, for tests that pull the rug."""

import hashlib
import threading

import pynetdicom
import requests
from pynetdicom.sop_class import SecondaryCaptureImageStorage

from . import part10
from .web import Web, instance_path

#: Seconds that pynetdicom waits for an answer before it gives the peer up.
DIMSE_SECONDS_MAX = 2

#: Text that stands in a template where the number of an object goes; both are legal UIDs of one length.
_PLACE = "2.25.1000000000000000000000000000"
_COUNT = "2.25.2{:027d}"


class Objects:
    """Different objects of one study, made quickly: a template in which UID and some pixels are replaced."""

    def __init__(self, patient_id: str, rows=64):
        self.study, self.series = (f"2.25.{number}" for number in _numbers(patient_id))
        template = part10.image(
            patient_id=patient_id, study=self.study, series=self.series, instance=_PLACE, rows=rows, columns=rows
        )
        self._template = part10.file_bytes(template)
        self._pixels = self._template.rindex(template.PixelData)

    def uid(self, number: int) -> str:
        return _COUNT.format(number)

    def file(self, number: int) -> bytes:
        content = bytearray(self._template.replace(_PLACE.encode(), self.uid(number).encode()))
        stamp = hashlib.sha256(self.uid(number).encode()).digest() * 16
        content[self._pixels : self._pixels + len(stamp)] = stamp
        return bytes(content)

    def path(self, number: int) -> str:
        return instance_path(self.study, self.series, self.uid(number))


class Book:
    """What was sent and what was acknowledged, kept outside of the archive."""

    def __init__(self):
        self.sent, self.acknowledged = {}, {}
        #: What a check found missing, with the status, and what came back as something else.
        self.lost, self.wrong = [], []
        self._lock = threading.Lock()

    def next(self, objects: Objects) -> int:
        with self._lock:
            number = len(self.sent)
            self.sent[number] = objects
            return number

    def take_note(self, number: int):
        with self._lock:
            self.acknowledged[number] = self.sent[number]

    def check(self, web: Web, numbers):
        """Whatever was acknowledged is there bit for bit; the rest is there bit for bit, or not at all."""
        for number in numbers:
            objects = self.sent[number]
            answer = web.get(objects.path(number), "application/dicom; transfer-syntax=*")
            if answer.status_code == 404 and number not in self.acknowledged:
                continue
            if answer.status_code != 200:
                self.lost.append((number, answer.status_code))
            elif part10.data_set_bytes(answer.content) != part10.data_set_bytes(objects.file(number)):
                self.wrong.append(number)
        lost, wrong = self.lost, self.wrong
        assert not lost and not wrong, f"lost {lost[:5]} ({len(lost)}), wrong {wrong[:5]} ({len(wrong)})"


class Senders:
    """Threads that send until the server is gone: over STOW-RS, and over DIMSE."""

    def __init__(self, installation, token: str, book: Book, calling: str, objects, stow=3, dimse=1):
        self.stopped = threading.Event()
        self._book, self._objects = book, objects
        work = [self._stow] * stow + [self._dimse] * dimse
        arguments = (installation, token, calling)
        self._threads = [
            threading.Thread(target=run, args=(*arguments, number), daemon=True) for number, run in enumerate(work)
        ]
        for thread in self._threads:
            thread.start()

    def join(self):
        self.stopped.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a sender hangs"

    def _stow(self, installation, token, _calling, which):
        web, objects = Web(installation, token), self._objects[which % len(self._objects)]
        while not self.stopped.is_set():
            number = self._book.next(objects)
            try:
                answer = web.store(objects.file(number))
            except requests.RequestException:
                return
            if answer.status_code == 200:
                self._book.take_note(number)

    def _dimse(self, installation, _token, calling, which):
        objects = self._objects[which % len(self._objects)]
        entity = pynetdicom.AE(ae_title=calling)
        entity.add_requested_context(SecondaryCaptureImageStorage, part10.EXPLICIT_LITTLE_ENDIAN)
        # It notices a dead peer by its time-outs only.
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = DIMSE_SECONDS_MAX
        association = entity.associate(*installation.addresses.dicom_plain, ae_title="YINGDUN")
        while association.is_established and not self.stopped.is_set():
            number = self._book.next(objects)
            try:
                status = association.send_c_store(part10.parse(objects.file(number)))
            except (RuntimeError, ValueError, OSError):
                return
            if status and status.Status == 0:
                self._book.take_note(number)
        if association.is_established:
            association.release()


def _numbers(text: str):
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:12], "big"), int.from_bytes(digest[12:24], "big")
