"""A provider of storage commitment, of pynetdicom, that others ask."""

import threading

import pynetdicom
from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.sop_class import StorageCommitmentPushModel, Verification

from .modality import WELL_KNOWN_INSTANCE
from .orthanc import free_port


class Keeper:
    """A provider of pynetdicom that keeps what it is told to keep, and tells on the association that asked or over one of its
    own."""

    def __init__(self, title, *, port=None, on_same=True, keeps=lambda instance: True, status=0):
        self.title, self.port, self.on_same, self.keeps, self.status = title, port or free_port(), on_same, keeps, status
        #: The questions that came, and the statuses of our reports.
        self.questions, self.answers = [], []
        self.server = None

    def __enter__(self):
        entity = pynetdicom.AE(ae_title=self.title)
        entity.add_supported_context(Verification)
        entity.add_supported_context(StorageCommitmentPushModel)
        handlers = [(evt.EVT_N_ACTION, self._asked)]
        self.server = entity.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        return self

    def __exit__(self, *_):
        self.server.shutdown()

    def report(self, question) -> tuple:
        """The event type and the report on a question."""
        told = Dataset()
        told.TransactionUID = question.TransactionUID
        kept = [item for item in question.ReferencedSOPSequence if self.keeps(item.ReferencedSOPInstanceUID)]
        failed = [item for item in question.ReferencedSOPSequence if not self.keeps(item.ReferencedSOPInstanceUID)]
        for item in failed:
            item.FailureReason = 0x0112
        if kept:
            told.ReferencedSOPSequence = kept
        if failed:
            told.FailedSOPSequence = failed
        return (2 if failed else 1), told

    def tell(self, address, told, event=1, called="YINGDUN") -> int:
        """Tells over an association of its own; the status of the answer."""
        entity = pynetdicom.AE(ae_title=self.title)
        entity.add_requested_context(StorageCommitmentPushModel)
        role = pynetdicom.build_role(StorageCommitmentPushModel, scp_role=True)
        association = entity.associate(*address, ae_title=called, ext_neg=[role])
        assert association.is_established
        status, _ = association.send_n_event_report(told, event, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE)
        association.release()
        return status.Status

    def _asked(self, event):
        self.questions.append(event.action_information)
        if self.status == 0 and self.on_same:
            threading.Thread(target=self._tell_here, args=(event.assoc, event.action_information), daemon=True).start()
        return self.status, None

    def _tell_here(self, association, question):
        # Sometimes faster than the answer to the question.
        event, told = self.report(question)
        status, _ = association.send_n_event_report(told, event, StorageCommitmentPushModel, WELL_KNOWN_INSTANCE)
        self.answers.append(status.Status)
