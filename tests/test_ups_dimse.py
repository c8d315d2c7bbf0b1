"""The unified worklist over DIMSE (PS3.4 annex CC): pynetdicom schedules, finds, claims, performs and cancels, plain and over
TLS. What is scheduled here is seen over DICOMweb, and the other way round."""

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom.sop_class import (
    UnifiedProcedureStepEvent as EVENT,
    UnifiedProcedureStepPull as PULL,
    UnifiedProcedureStepPush as PUSH,
    UnifiedProcedureStepQuery as QUERY,
    UnifiedProcedureStepWatch as WATCH,
)

from yingdun_testkit.web import Web
from yingdun_testkit.workstation import Entity, Person, user

CHANGE_STATE, CANCEL, SUBSCRIBE = 1, 2, 3


def code(value: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, "99TEST", value
    return made


def data_set(**attributes) -> Dataset:
    made = Dataset()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def workitem(patient, **attributes) -> Dataset:
    """As a treatment management system sends it: in a character set of its own."""
    return data_set(
        SpecificCharacterSet="GB18030", PatientName="Wang^Fang=王^芳", PatientID=patient, ProcedureStepState="SCHEDULED",
        ScheduledProcedureStepPriority="HIGH", ProcedureStepLabel="deliver the plan", InputReadinessState="READY",
        ScheduledProcedureStepStartDateTime="20260301083000", ScheduledStationNameCodeSequence=[code("LINAC1")],
        **attributes,
    )  # fmt: skip


def performed() -> Dataset:
    done = data_set(
        PerformedStationNameCodeSequence=[], OutputInformationSequence=[], PerformedWorkitemCodeSequence=[code("plan")],
        PerformedProcedureStepStartDateTime="20260301090000", PerformedProcedureStepEndDateTime="20260301093000",
    )  # fmt: skip
    return data_set(UnifiedProcedureStepPerformedProcedureSequence=[done])


class Steps:
    """The unified worklist as a DICOM peer asks it, over one association of all classes."""

    def __init__(self, entity):
        self.association = entity.associate(PUSH, WATCH, PULL, QUERY)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.association.is_established:
            self.association.release()

    def create(self, attributes, uid=None) -> int:
        return self.association.send_n_create(attributes, PUSH, uid)[0].Status

    def scheduled(self, patient, **attributes) -> str:
        """A workitem with everything that the standard wants present."""
        uid = generate_uid()
        status = self.create(workitem(patient, **attributes), uid)
        assert status in (0x0000, 0xB300), hex(status)
        return uid

    def get(self, uid, *tags, context=PULL) -> tuple:
        status, found = self.association.send_n_get(list(tags), PUSH, uid, meta_uid=context)
        return status.Status, found

    def set(self, uid, changes) -> int:
        return self.association.send_n_set(changes, PUSH, uid, meta_uid=PULL)[0].Status

    def act(self, uid, number, asked=None, context=PULL) -> int:
        return self.association.send_n_action(asked, number, PUSH, uid, meta_uid=context)[0].Status

    def state(self, uid, state, transaction=None) -> int:
        asked = data_set(ProcedureStepState=state, **({"TransactionUID": transaction} if transaction else {}))
        return self.act(uid, CHANGE_STATE, asked)

    def find(self, model=PULL, **keys) -> tuple:
        """The last status and the matches."""
        answers = list(self.association.send_c_find(data_set(**keys), model))
        return answers[-1][0].Status, [found for status, found in answers if status.Status in (0xFF00, 0xFF01)]


@pytest.fixture(scope="module", params=["plain", "tls"])
def machine(request, archive):
    """A device that may schedule and perform."""
    title = f"UPS{request.param.upper()}"
    identity = archive.issue_certificate(title) if request.param == "tls" else None
    facts = {"certificate_sha256": identity["sha256"]} if identity else {"plain_allowed": True}
    archive.office.device(title, **facts)
    archive.office.grant_device(title, "workitems")
    return Entity(archive, title, identity)


@pytest.fixture(scope="module")
def web(archive, tokens):
    return Web(archive, tokens.client(archive, "worklist"))


def test_a_workitem_is_scheduled_found_claimed_performed_and_completed(machine, web):
    patient, transaction = f"DIMSE-{machine.title}", generate_uid()
    with Steps(machine) as steps:
        uid = steps.scheduled(patient)
        # Seen over DICOMweb, its texts as they were meant.
        (row,) = web.search("/workitems", PatientID=patient)
        assert row["00080018"]["Value"] == [uid]
        assert row["00100010"]["Value"][0]["Ideographic"] == "王^芳"
        # Found by those who look for work, in each class that searches.
        for model in (PULL, WATCH, QUERY):
            status, (found,) = steps.find(
                model, SpecificCharacterSet="ISO_IR 192", ProcedureStepState="SCHEDULED", PatientID=patient, PatientName="王*",
                ScheduledStationNameCodeSequence=[data_set(CodeValue="LINAC1", CodeMeaning="")], SOPInstanceUID="",
                WorklistLabel="",
            )  # fmt: skip
            assert status == 0 and found.SOPInstanceUID == uid and str(found.PatientName) == "Wang^Fang=王^芳"
            (station,) = found.ScheduledStationNameCodeSequence
            assert (station.CodeValue, station.CodeMeaning) == ("LINAC1", "LINAC1")
            assert "InputReadinessState" not in found, "what was not asked for is not answered"
        assert steps.find(ProcedureStepState="IN PROGRESS", PatientID=patient) == (0, [])
        # Claimed by one, and by nobody else.
        assert steps.state(uid, "IN PROGRESS", transaction) == 0
        assert steps.state(uid, "IN PROGRESS", generate_uid()) == 0xC302
        assert steps.set(uid, performed()) == 0xC301, "without the lock"
        assert steps.set(uid, data_set(TransactionUID=generate_uid(), **{"WorklistLabel": "X"})) == 0xC301
        # Performed.
        assert steps.state(uid, "COMPLETED", transaction) == 0xC304, "nothing was said of what was done"
        changes = performed()
        changes.TransactionUID = transaction
        assert steps.set(uid, changes) == 0
        status, found = steps.get(uid)
        assert (status, found.ProcedureStepState, found.SOPClassUID) == (0, "IN PROGRESS", PUSH)
        assert "TransactionUID" not in found, "nobody is shown the lock"
        assert steps.state(uid, "COMPLETED", transaction) == 0
        assert steps.state(uid, "COMPLETED", transaction) == 0xB306
        assert steps.state(uid, "CANCELED", transaction) == 0xC300
        assert steps.act(uid, CANCEL, context=PUSH) == 0xC311
        status, found = steps.get(uid, 0x00741000, 0x00081195, context=WATCH)
        assert (status, found.ProcedureStepState, len(found)) == (0x0001, "COMPLETED", 1)


def test_what_nobody_has_claimed_is_cancelled_on_request(machine):
    with Steps(machine) as steps:
        uid = steps.scheduled("DIMSE-CANCEL")
        words = data_set(ReasonForCancellation="the patient has left", ContactDisplayName="desk")
        assert steps.act(uid, CANCEL, words, context=WATCH) == 0
        assert steps.act(uid, CANCEL, context=PUSH) == 0xB304
        _, found = steps.get(uid)
        (progress,) = found.ProcedureStepProgressInformationSequence
        assert (found.ProcedureStepState, progress.ReasonForCancellation) == ("CANCELED", "the patient has left")
        # A claimed one is its performer's, and nobody follows this one.
        claimed = steps.scheduled("DIMSE-CANCEL")
        assert steps.state(claimed, "IN PROGRESS", generate_uid()) == 0
        assert steps.act(claimed, CANCEL, context=PUSH) == 0xC312


def test_what_does_not_fit_is_refused_with_the_status_of_the_standard(machine):
    with Steps(machine) as steps:
        uid = steps.scheduled("DIMSE-WRONG")
        nobody = generate_uid()
        assert steps.create(workitem("DIMSE-WRONG"), uid) == 0x0111
        assert steps.create(workitem("DIMSE-WRONG", TransactionUID=generate_uid())) == 0x0106
        begun = workitem("DIMSE-WRONG")
        begun.ProcedureStepState = "IN PROGRESS"
        assert steps.create(begun) == 0xC309
        unnamed = workitem("DIMSE-WRONG")
        del unnamed.ProcedureStepLabel
        assert steps.create(unnamed) == 0x0106
        assert steps.create(workitem(f"UNNAMED-{machine.title}")) == 0xB300
        _, (made,) = steps.find(PatientID=f"UNNAMED-{machine.title}", SOPInstanceUID="")
        assert made.SOPInstanceUID.startswith("2.25."), "a UID is made up"
        assert steps.get(nobody)[0] == steps.set(nobody, data_set(WorklistLabel="X")) == 0xC307
        assert steps.state(nobody, "IN PROGRESS", generate_uid()) == steps.act(nobody, CANCEL, context=PUSH) == 0xC307
        assert steps.state(uid, "IN PROGRESS") == 0xC301
        assert steps.state(uid, "SCHEDULED", generate_uid()) == 0xC303
        assert steps.state(uid, "COMPLETED", generate_uid()) == 0xC310
        assert steps.state(uid, "NOWHERE", generate_uid()) == 0x0115
        assert steps.set(uid, data_set(PatientID="ANOTHER")) == 0x0106, "whose it is stays"
        # Actions and operations of another class.
        assert steps.act(uid, CHANGE_STATE, data_set(ProcedureStepState="IN PROGRESS"), context=PUSH) == 0x0123
        assert steps.act(uid, CANCEL) == steps.act(uid, 77, context=WATCH) == 0x0123
        assert steps.association.send_n_set(data_set(WorklistLabel="X"), PUSH, uid, meta_uid=WATCH)[0].Status == 0x0211
        assert steps.association.send_n_delete(PUSH, uid).Status == 0x0211
        # Nobody is told over DIMSE, and says so to who asks for it.
        subscription = data_set(ReceivingAE=machine.title, DeletionLock="FALSE")
        assert steps.act("1.2.840.10008.5.1.4.34.5", SUBSCRIBE, subscription, context=WATCH) == 0xC315
        # The association is as it was, and so is the workitem.
        status, found = steps.get(uid)
        assert (status, found.ProcedureStepState) == (0, "SCHEDULED")


def test_a_hostile_peer_gets_statuses_and_nothing_breaks(machine):
    deep = data_set(CodeValue="X")
    for _ in range(40):
        deep = data_set(InputInformationSequence=[deep])
    long = workitem("DIMSE-HOSTILE", CommentsOnTheScheduledProcedureStep="x" * 300_000)
    many = workitem("DIMSE-HOSTILE")
    many.InputInformationSequence = [Dataset() for _ in range(20_000)]
    with Steps(machine) as steps:
        for what, hostile in {"deep": deep, "long": long, "many": many, "nothing": None}.items():
            assert steps.create(hostile) in (0x0106, 0x0115, 0x0213), what
        status, found = steps.find(**{"ScheduledStationNameCodeSequence": [deep]})
        assert (status >> 12, found) == (0xC, []) or (status, found) == (0xA900, []), hex(status)
        assert steps.find(PatientID="DIMSE-HOSTILE") == (0, [])


def test_who_may_use_the_unified_worklist_over_dimse(archive, tokens):
    """Every scope of a device, and every role of a person behind one that may nothing: (create, get, find)."""
    office = archive.office
    expected = {"workitems": (True, True, True), "worklist": (False, True, True)}
    asked = {}

    def ask(entity):
        with Steps(entity) as steps:
            created = steps.create(workitem("DIMSE-RIGHTS"), generate_uid())
            get = steps.get(known)[0]
            found = steps.find(PatientID="DIMSE-RIGHTS")[0]
            changed = steps.state(known, "IN PROGRESS", generate_uid()) if created == 0x0124 else 0x0124
            assert changed == 0x0124, "who may not create does not claim"
        assert {created, get, found} <= {0x0000, 0xB300, 0x0124}
        return created != 0x0124, get != 0x0124, found != 0x0124

    office.device("UPSRIGHTS", plain_allowed=True)
    office.grant_device("UPSRIGHTS", "workitems")
    with Steps(Entity(archive, "UPSRIGHTS")) as steps:
        known = steps.scheduled("DIMSE-RIGHTS")
    for scope in ("store", "search", "view", "export", "worklist", "workitems"):
        office.grant_device("UPSRIGHTS", scope)
        asked[scope] = ask(Entity(archive, "UPSRIGHTS"))
    nothing = (False, False, False)
    assert asked == {scope: expected.get(scope, nothing) for scope in asked}
    office.grant_device("UPSRIGHTS")
    for role in ("technician", "clinician", "radiologist", "chief", "researcher"):
        token = tokens.person(archive, role)
        person = Person(archive, "UPSRIGHTS", user(token, kind=5))
        assert ask(person) == ((True, True, True) if role == "technician" else nothing), role


def test_event_reports_are_not_agreed_on(machine):
    association = machine.associate(PUSH, EVENT)
    accepted = {context.abstract_syntax for context in association.accepted_contexts}
    association.release()
    assert accepted == {PUSH}
