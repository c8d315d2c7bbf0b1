"""Who may ask and fetch over DICOM: what a device was granted, and who is behind it."""

import pytest
from pynetdicom.sop_class import SecondaryCaptureImageStorage, Verification

from yingdun_testkit import part10
from yingdun_testkit.administration import PASSWORD
from yingdun_testkit.orthanc import free_port
from yingdun_testkit.workstation import FIND, Entity, Person, Receiver, get, move, study_of, user


def test_what_a_device_may_ask_is_what_it_was_granted(archive, images):
    archive.office.device("SCOPED", plain_allowed=True)
    archive.office.device("SCOPEDTO", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    device = Entity(archive, "SCOPED")
    study = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 0)}
    for scopes, found, got in [
        ((), [0x0124], 0x0124),
        (("store",), [0x0124], 0x0124),
        (("worklist",), [0x0124], 0x0124),
        # Only what opens is listed.
        (("search",), [0], 0x0124),
        (("view",), [0xFF00, 0], 0),
        (("store", "search", "view"), [0xFF00, 0], 0),
    ]:
        archive.office.grant_device("SCOPED", *scopes)
        assert [status for status, _ in device.find(**study)] == found, scopes
        receiver = Receiver()
        *_, (last, _) = get(device, receiver, **study)
        assert last.Status == got and len(receiver.got) == (4 if got == 0 else 0), scopes
        *_, (last, _) = move(device, "SCOPEDTO", **study)
        assert last.Status == (0xA702 if got == 0 else got), scopes


# === who is behind the workstation ===


@pytest.fixture(scope="module")
def seat(archive):
    """A workstation without any scope: what is done there is done by the person."""
    archive.office.device("SEAT", plain_allowed=True)
    archive.office.grant_device("SEAT")
    archive.office.device("SEATTO", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    return "SEAT"


#: What each role may do over DICOM: find, get and move a study of this institution that arrived today, store another.
ROLES = {
    "clinician": (False, False),
    "radiologist": (True, False),
    "chief": (True, False),
    "technician": (True, True),
    "researcher": (False, False),
    "system-administrator": (None, False),
    "security-administrator": (None, False),
    "audit-administrator": (None, False),
}


@pytest.mark.parametrize("role", ROLES)
def test_a_person_at_a_workstation_may_what_the_role_may(archive, images, seat, role):
    sees, stores = ROLES[role]
    office = archive.office
    name = office.names[role] if role in office.names else office.person(f"seat-{role}", role)
    person = Person(archive, seat, user(name, PASSWORD))
    study = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 0)}
    assert [status for status, _ in person.find(**study)] == {True: [0xFF00, 0], False: [0], None: [0x0124]}[sees]
    receiver = Receiver()
    *_, (last, _) = get(person, receiver, **study)
    assert (last.Status, len(receiver.got)) == {True: (0, 4), False: (0, 0), None: (0x0124, 0)}[sees]
    *_, (last, _) = move(person, "SEATTO", **study)
    # No device is called for a researcher.
    assert last.Status == (0x0124 if role == "researcher" else {True: 0xA702, False: 0, None: 0x0124}[sees])
    association = person.associate((SecondaryCaptureImageStorage, [part10.EXPLICIT_LITTLE_ENDIAN]), Verification)
    assert association.send_c_echo().Status == 0, "whoever sits there, the device is answered"
    stored = association.send_c_store(part10.image(patient_id=f"seat-{role}")).Status
    association.release()
    assert stored == (0 if stores else 0x0124)
    assert archive.office.leaves(kind="query", actor=name) or sees is None, "the person stands on the ledger"


def test_a_clinician_at_a_workstation_sees_the_patients_in_care(archive, images, seat):
    office = archive.office
    name = office.person("seat-doctor", "clinician", "technician")
    office.care(name, "qr-2")
    person = Person(archive, seat, user(f"{name}@clinician", PASSWORD))
    answers = person.find(QueryRetrieveLevel="STUDY", PatientID="qr-*", StudyInstanceUID="")
    assert [row.StudyInstanceUID for _, row in answers[:-1]] == [study_of(images, 2)]


def test_what_broken_glass_shows_at_a_workstation_goes_to_no_other_device(archive, images, seat):
    office = archive.office
    office.device("SEATOWN", plain_allowed=True, destination=f"plain://127.0.0.1:{free_port()}")
    office.grant_device("SEATOWN")
    name = office.person("seat-emergency", "clinician")
    case = {"patient_id": "qr-2", "code": "on-call-cover", "reason": "nobody else is here", "password": PASSWORD}
    office.api(office.sign_in(name)).post("/break-glass", case, 201)
    person = Person(archive, "SEATOWN", user(name, PASSWORD))
    study = {"QueryRetrieveLevel": "STUDY", "StudyInstanceUID": study_of(images, 2)}
    receiver = Receiver()
    *_, (last, _) = get(person, receiver, **study)
    assert last.Status == 0 and receiver.got, "it is looked at"
    *_, (last, _) = move(person, "SEATTO", **study)
    assert last.Status == 0x0124, "and not sent elsewhere"
    *_, (last, _) = move(person, "SEATOWN", **study)
    assert last.Status == 0xA702, "the own workstation may have it; nobody listens there now"


def test_a_token_names_a_person_too(archive, images, seat):
    token = archive.office.person_token("seat-token", "radiologist")
    person = Person(archive, seat, user(token, kind=5))
    association = person.associate(FIND)
    assert association.acceptor.user_identity is not None, "the positive answer that was asked for"
    association.release()
    assert len(person.find(QueryRetrieveLevel="STUDY", PatientID="qr-1", StudyInstanceUID="")) == 3
    archive.office.revoke(token)
    assert not established(person)
    assert not established(Person(archive, seat, user(archive.office.client_token("seat-client", "view"), kind=5)))


def established(entity) -> bool:
    try:
        entity.associate(FIND).release()
    except AssertionError:
        return False
    return True


def test_a_wrong_password_lets_nobody_in_and_is_counted_as_on_the_web(archive, images, seat):
    name = archive.office.person("seat-forgetful", "radiologist")
    assert established(Person(archive, seat, user(name, PASSWORD)))
    for _ in range(5):
        assert not established(Person(archive, seat, user(name, "a wrong password")))
    assert not established(Person(archive, seat, user(name, PASSWORD))), "the address is stopped"
    assert archive.office.try_sign_in(name).status_code == 401, "on the web as well"
    assert not established(Person(archive, seat, user("seat-nobody", PASSWORD)))


def test_a_name_that_nothing_proves_changes_nothing(archive, images, plain_workstation):
    person = Person(archive, "WSPLAIN", user("seat-radiologist", kind=1))
    association = person.associate(FIND)
    assert association.acceptor.user_identity is None, "no positive answer"
    association.release()
    assert len(person.find(QueryRetrieveLevel="STUDY", PatientID="qr-1", StudyInstanceUID="")) == 3
    assert archive.office.leaves(kind="query", actor="WSPLAIN")
