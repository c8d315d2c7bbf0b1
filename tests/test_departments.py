"""Departments: who belongs to one sees its studies, lists and opens exactly these, and no longer than that lasts."""

import sqlite3
import time

import pytest

from yingdun_testkit import part10
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

LONG_MS = 3_600_000


@pytest.fixture(scope="module")
def hospital(make_installation):
    """An installation of its own: the first department changes what technicians see."""
    return make_installation("departments")


@pytest.fixture(scope="module")
def gateway(hospital):
    return Web(hospital, hospital.office.client_token("gateway", "store", "search", "view"))


def store(gateway, patient_id):
    image = part10.image(patient_id=patient_id)
    gateway.must_store(part10.file_bytes(image))
    return image.StudyInstanceUID


def join(office, name, lasts_ms=LONG_MS, **unit):
    now = int(time.time() * 1000)
    body = {"name": name, "valid_from_ms": now - 1000, "valid_until_ms": now + lasts_ms, **unit}
    office.security.put("/department-members", body, 204)


def listed_and_opened(web, studies):
    listed = {row["0020000D"]["Value"][0] for row in web.search("/studies", limit=1000)}
    opened = {study for study in studies if web.get(f"/studies/{study}/metadata").status_code == 200}
    return listed & set(studies), opened


def sees(web, studies, expected):
    """What is listed opens, and nothing else does. What is open already ends within five seconds."""
    wait_until(lambda: listed_and_opened(web, studies) == (expected, expected), f"{len(expected)} studies to be seen", 8)


def test_specialists_chiefs_and_technicians_see_what_departments_say(hospital, gateway):
    office = hospital.office
    studies = [store(gateway, f"dept-{number}") for number in range(4)]
    surgical, imaged, cardiac, nobodys = studies
    people = {
        name: Web(hospital, office.person_token(name, role))
        for name, role in [
            ("dept-surgeon", "specialist"),
            ("dept-tech", "technician"),
            ("dept-chief", "chief"),
            ("dept-reader", "radiologist"),
        ]
    }
    sees(people["dept-surgeon"], studies, set())
    sees(people["dept-tech"], studies, set(studies))  # no departments: everything of today, as before

    for department, name in [("surgery", "外科"), ("cardiology", "心内科"), ("ct-room", "CT 室")]:
        office.security.put(f"/departments/{department}", {"name": name}, 204)
    office.security.put("/study-departments", {"study": surgical, "requesting": ["surgery"], "performing": ["ct-room"]}, 204)
    office.security.put("/study-departments", {"study": imaged, "performing": ["ct-room"]}, 204)
    office.security.put("/study-departments", {"study": cardiac, "requesting": ["cardiology"]}, 204)
    join(office, "dept-surgeon", department="surgery")
    join(office, "dept-chief", department="surgery")
    sees(people["dept-surgeon"], studies, {surgical})
    sees(people["dept-tech"], studies, set())  # bound to nothing
    join(office, "dept-tech", department="ct-room")
    sees(people["dept-tech"], studies, {surgical, imaged})
    sees(people["dept-chief"], studies, set(studies))
    sees(people["dept-reader"], studies, set(studies))

    leaves = [leaf for leaf in office.leaves(kind="access") if leaf["actor"] == "dept-chief"]
    reasons = {leaf["reason"] for leaf in leaves}
    assert {"in-department", "cross-department"} <= reasons

    office.security.post("/department-members/end", {"name": "dept-surgeon", "department": "surgery"}, 204)
    sees(people["dept-surgeon"], studies, set())
    members = office.security.get("/departments")
    assert {"department": "surgery", "name": "外科"} in members["departments"]
    assert {row["name"] for row in members["members"]} == {"dept-tech", "dept-chief"}


def test_a_membership_ends_by_itself(hospital, gateway):
    office = hospital.office
    study = store(gateway, "dept-ends")
    office.security.put("/departments/oncology", {"name": "肿瘤科"}, 204)
    office.security.put("/study-departments", {"study": study, "requesting": ["oncology"]}, 204)
    web = Web(hospital, office.person_token("dept-locum", "specialist"))
    join(office, "dept-locum", lasts_ms=4000, department="oncology")
    sees(web, [study], {study})
    sees(web, [study], set())


def test_who_sent_nothing_has_no_claim_to_a_study(hospital, gateway):
    """A study is of whoever sends its first object, and not of who was permitted to and knows its identifier."""
    office = hospital.office
    office.security.put("/departments/claims", {"name": "Claims"}, 204)
    thief = Web(hospital, office.client_token("thief", "store", "search", "view"))
    thing = part10.image(patient_id="dept-claimed")
    gateway.must_store(part10.file_bytes(thing))
    # Permitted, and then refused: the instance is in another study.
    claimed = part10.image(patient_id="dept-claimed")
    own = claimed.SOPInstanceUID
    claimed.SOPInstanceUID = claimed.file_meta.MediaStorageSOPInstanceUID = thing.SOPInstanceUID
    assert thief.store(part10.file_bytes(claimed)).status_code == 409
    claimed.SOPInstanceUID = claimed.file_meta.MediaStorageSOPInstanceUID = own
    gateway.must_store(part10.file_bytes(claimed))
    with sqlite3.connect(hospital.directory / "db" / "catalogue.db") as rows:
        senders = [unit for (unit,) in rows.execute("SELECT unit FROM study_unit WHERE unit LIKE 'service:%'")]
    assert "service:thief" not in senders and senders.count("service:gateway") >= 2, senders


def test_what_is_not_known_or_not_ones_office_is_refused(hospital):
    office = hospital.office
    office.person("dept-nobody", "specialist")
    now = int(time.time() * 1000)
    body = {"name": "dept-nobody", "valid_from_ms": now, "valid_until_ms": now + 1000}
    office.security.put("/department-members", {**body, "department": "morgue"}, 404)
    office.security.put("/department-members", body, 400)
    office.security.put("/department-members", {**body, "department": "Not A Name"}, 400)
    office.security.put("/department-members", {**body, "device": "CT01", "valid_until_ms": now}, 422)
    office.system.put("/departments/morgue", {"name": "x"}, 403)
    office.audit.put("/study-departments", {"study": "1.2.3"}, 403)
    office.security.put("/study-departments", {"study": "1.2.3", "requesting": ["morgue"]}, 404)
