"""A workstation of pynetdicom that asks and fetches, alone or with a person behind it."""

import ssl

import pynetdicom
from pydicom.dataset import Dataset
from pynetdicom import build_role, evt
from pynetdicom.sop_class import (
    SecondaryCaptureImageStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from . import part10

FIND = StudyRootQueryRetrieveInformationModelFind
GET = StudyRootQueryRetrieveInformationModelGet
MOVE = StudyRootQueryRetrieveInformationModelMove


class Entity:
    """pynetdicom as a device of an archive."""

    def __init__(self, archive, title, identity=None):
        self.archive, self.title, self.identity = archive, title, identity

    def associate(self, *contexts, roles=(), handlers=()):
        entity = pynetdicom.AE(ae_title=self.title)
        for context in contexts:
            entity.add_requested_context(*context) if isinstance(context, tuple) else entity.add_requested_context(context)
        tls = None
        if self.identity:
            context = ssl.create_default_context(cafile=self.archive.ca_file)
            context.load_cert_chain(self.identity["certificate_file"], self.identity["private_key_file"])
            tls = (context, "localhost")
        addresses = self.archive.addresses
        host, port = addresses.dicom_tls if self.identity else addresses.dicom_plain
        association = entity.associate(
            host, port, ae_title="YINGDUN", tls_args=tls, ext_neg=list(roles), evt_handlers=list(handlers)
        )
        assert association.is_established
        return association

    def find(self, model=FIND, **keys):
        """Every response: its status and its identifier."""
        association = self.associate(model)
        try:
            return [(status.Status, found) for status, found in association.send_c_find(identifier(**keys), model)]
        finally:
            association.release()


def identifier(charset=None, **keys) -> Dataset:
    asked = Dataset()
    if charset:
        asked.SpecificCharacterSet = charset.split("\\") if "\\" in charset else charset
    for name, value in keys.items():
        setattr(asked, name, value)
    return asked


def study_of(images, number):
    return images[4 * number].StudyInstanceUID


class Receiver:
    """Takes objects within an association that asked for them."""

    def __init__(self):
        self.got = []
        self.on_store = None

    def handlers(self):
        return [(evt.EVT_C_STORE, self.store)]

    def store(self, event):
        self.got.append(event.request.AffectedSOPInstanceUID)
        if self.on_store:
            return self.on_store(event)
        return 0


def get(entity, receiver, syntaxes=None, offered=None, **keys):
    """Every response to a C-GET: its status data set and its identifier. `offered` is how many objects may wait for their answers."""
    storage = (SecondaryCaptureImageStorage, syntaxes or [part10.EXPLICIT_LITTLE_ENDIAN])
    negotiated = [build_role(SecondaryCaptureImageStorage, scp_role=True)]
    if offered is not None:
        window = pynetdicom.pdu_primitives.AsynchronousOperationsWindowNegotiation()
        window.maximum_number_operations_invoked, window.maximum_number_operations_performed = 1, offered
        negotiated.append(window)
    association = entity.associate(GET, storage, roles=negotiated, handlers=receiver.handlers())
    receiver.association = association
    try:
        return list(association.send_c_get(identifier(**keys), GET, msg_id=9))
    finally:
        if association.is_established:
            association.release()


def move(entity, destination, **keys):
    association = entity.associate(MOVE)
    try:
        return list(association.send_c_move(identifier(**keys), destination, MOVE))
    finally:
        association.release()


def user(name, secret=None, *, kind=2, answer=True):
    """A user identity as a workstation sends it (PS3.7 §D.3.3.7)."""
    identity = pynetdicom.pdu_primitives.UserIdentityNegotiation()
    identity.user_identity_type, identity.positive_response_requested = kind, answer
    identity.primary_field = name.encode()
    if secret is not None:
        identity.secondary_field = secret.encode()
    return identity


class Person(Entity):
    """A person at a registered workstation that itself may do nothing."""

    def __init__(self, archive, title, identity):
        super().__init__(archive, title)
        self.user = identity

    def associate(self, *contexts, roles=(), handlers=()):
        return super().associate(*contexts, roles=[*roles, self.user], handlers=handlers)
