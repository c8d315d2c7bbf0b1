"""An archive of pynetdicom that is searched and gives secondary captures by C-GET; objects of other classes it has and does
not give."""

import ssl
import threading

import pynetdicom
from pydicom.dataset import Dataset
from pynetdicom import evt

from . import part10
from .workstation import FIND, GET


class Elsewhere:
    """Listens for the length of a `with`. `identity` as `certificate issue` returns it, for TLS."""

    def __init__(self, title, images, identity=None, ca_file=None):
        self.title, self.images, self.identity, self.ca_file = title, images, identity, ca_file
        #: Waited for behind the first object, where a test wants to be in the middle of a retrieval.
        self.go_on = threading.Event()
        self.go_on.set()
        self.in_the_middle = threading.Event()

    def __enter__(self):
        entity = pynetdicom.AE(ae_title=self.title)
        entity.maximum_associations = 20
        entity.add_supported_context(FIND)
        entity.add_supported_context(GET)
        entity.add_supported_context(part10.SECONDARY_CAPTURE, part10.EXPLICIT_LITTLE_ENDIAN, scu_role=True, scp_role=True)
        context = None
        if self.identity:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
        handlers = [(evt.EVT_C_FIND, self._find), (evt.EVT_C_GET, self._get)]
        self.server = entity.start_server(("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=handlers)
        self.port = self.server.socket.getsockname()[1]
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self.server.shutdown()

    def _asked(self, identifier):
        studies = identifier.StudyInstanceUID
        studies = [studies] if isinstance(studies, str) else list(studies)
        return [image for image in self.images if image.StudyInstanceUID in studies]

    def _find(self, event):
        for study in {image.StudyInstanceUID: image for image in self._asked(event.identifier)}.values():
            row = Dataset()
            row.SpecificCharacterSet = "ISO_IR 192"
            row.QueryRetrieveLevel = "STUDY"
            row.StudyInstanceUID, row.PatientID = study.StudyInstanceUID, study.PatientID
            row.PatientName = study.PatientName
            row.SOPClassesInStudy = part10.SECONDARY_CAPTURE
            yield 0xFF00, row

    def _get(self, event):
        images = self._asked(event.identifier)
        yield len(images)
        for number, image in enumerate(images):
            if number == 1:
                self.in_the_middle.set()
                self.go_on.wait(60)
            yield 0xFF00, image
