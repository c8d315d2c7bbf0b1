"""A modality of pynetdicom that stores, asks for storage commitment and is told."""

import ssl

import pynetdicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import evt
from pynetdicom.sop_class import SecondaryCaptureImageStorage, StorageCommitmentPushModel

from . import part10
from .installation import wait_until
from .orthanc import free_port

WELL_KNOWN_INSTANCE = "1.2.840.10008.1.20.1.1"


class Modality:
    """A modality that stores, asks for commitment, and listens for reports on a port of its own."""

    def __init__(self, archive, title, *, identity=None, **device):
        self.archive, self.title, self.identity = archive, title, identity
        self.port = free_port()
        self.reports = []
        #: Of each report, the certificate of whoever brought it; none on a plain connection.
        self.certificates = []
        self.listener = None
        destination = f"localhost:{self.port}" if identity else f"plain://127.0.0.1:{self.port}"
        device = {"destination": destination, **device}
        device |= {"certificate_sha256": identity["sha256"]} if identity else {"plain_allowed": True}
        archive.office.device(title, **device)

    def associate(self):
        entity = pynetdicom.AE(ae_title=self.title)
        entity.add_requested_context(SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN])
        entity.add_requested_context(StorageCommitmentPushModel)
        tls, (host, port) = None, self.archive.addresses.dicom_plain
        if self.identity:
            context = ssl.create_default_context(cafile=self.archive.ca_file)
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
            tls, (host, port) = (context, "localhost"), self.archive.addresses.dicom_tls
        handlers = [(evt.EVT_N_EVENT_REPORT, self._reported)]
        association = entity.associate(host, port, ae_title="YINGDUN", tls_args=tls, evt_handlers=handlers)
        assert association.is_established
        return association

    def listen(self):
        entity = pynetdicom.AE(ae_title=self.title)
        entity.add_supported_context(StorageCommitmentPushModel, scu_role=False, scp_role=True)
        handlers = [(evt.EVT_N_EVENT_REPORT, self._reported)]
        context = None
        if self.identity:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.archive.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
        address = ("127.0.0.1", self.port)
        self.listener = entity.start_server(address, block=False, evt_handlers=handlers, ssl_context=context)

    def stop(self):
        if self.listener:
            self.listener.shutdown()
            self.listener = None

    def store(self, count=2):
        images = [part10.image(patient_id=f"{self.title}-{generate_uid()[-8:]}", seed=seed) for seed in range(count)]
        association = self.associate()
        assert [association.send_c_store(image).Status for image in images] == [0] * count
        association.release()
        return [(image.SOPClassUID, image.SOPInstanceUID) for image in images]

    def ask_and_leave(self, references, transaction=None) -> str:
        association = self.associate()
        transaction, status = ask(association, references, transaction)
        association.release()
        assert status == 0
        return transaction

    def wait_for(self, transaction, seconds=20):
        """The report of a transaction: event type, what is committed, and the reasons of what is not."""

        def found():
            return next((report for report in self.reports if report[1].TransactionUID == transaction), None)

        event, report = wait_until(found, "the report comes", seconds)
        committed = [item.ReferencedSOPInstanceUID for item in report.get("ReferencedSOPSequence", [])]
        failed = {
            item.ReferencedSOPInstanceUID: item.FailureReason for item in report.get("FailedSOPSequence", [])
        }
        return event, committed, failed

    def _reported(self, event):
        self.certificates.append(self._certificate_of(event))
        self.reports.append((event.event_type, event.event_information))
        return 0x0000, None

    @staticmethod
    def _certificate_of(event):
        connection = event.assoc.dul.socket.socket
        return connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None


def ask(association, references, transaction=None, *, action=1, instance=WELL_KNOWN_INSTANCE):
    """Sends N-ACTION; returns the transaction and the status."""
    request = Dataset()
    request.TransactionUID = transaction or generate_uid()
    request.ReferencedSOPSequence = []
    for sop_class, sop_instance in references:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, sop_instance
        request.ReferencedSOPSequence.append(item)
    status, _ = association.send_n_action(request, action, StorageCommitmentPushModel, instance)
    return request.TransactionUID, status.Status
