"""An approval is of an office: who is disabled or loses the role before it is used has approved nothing, and whoever reads is told so."""

import pytest

from yingdun_testkit.administration import Api
from yingdun_testkit.authenticator import outsider_token

NO_EXPORT = '@id("local-no-export")\nforbid (principal is Person, action == Action::"export", resource);\n'
SECURITY = "security-administrator"


def api(installation, token: str) -> Api:
    return Api(installation.addresses.web, str(installation.ca_file), token)


def second_officer(installation, name: str, role: str) -> Api:
    return api(installation, installation.office.person_token(name, role))


def approvals(version: dict) -> dict:
    return {row["name"]: row["has_lapsed"] for row in version["approvals"]}


@pytest.fixture
def offices(archive_on):
    """The officers, and rules taken back at the end."""
    office = archive_on.office
    yield office
    if office.audit.get("/policies")["in_force"]["version"]:
        proposed = office.system.post("/policies", {"text": "", "reason": "the end of a test"}, 201)
        digest = {"digest": proposed["digest"]}
        for officer in (office.security, office.audit):
            officer.post(f"/policies/{proposed['version']}/approval", digest, 200)
        office.security.post(f"/policies/{proposed['version']}/activation", digest, 200)


def test_rules_are_not_in_force_by_the_approval_of_somebody_who_left(archive_on, offices):
    office, own = offices, office_names(offices)
    leaver = second_officer(archive_on, "lapse-leaver", SECURITY)
    proposed = office.system.post("/policies", {"text": NO_EXPORT, "reason": "a test"}, 201)
    path, digest = f"/policies/{proposed['version']}", {"digest": proposed["digest"]}
    leaver.post(f"{path}/approval", digest, 200)
    approved = office.audit.post(f"{path}/approval", digest, 200)
    assert approved["state"] == "approved"
    assert approvals(approved) == {"lapse-leaver": False, own["audit"]: False}

    office.system.patch("/people/lapse-leaver", {"disabled": True}, 204)
    lapsed = office.audit.get(path)
    assert (lapsed["state"], approvals(lapsed)) == ("proposed", {"lapse-leaver": True, own["audit"]: False})
    refused = office.security.raw("POST", f"{path}/activation", digest)
    assert refused.status_code == 409
    assert f"the approval of lapse-leaver as {SECURITY} has lapsed" in refused.text, refused.text
    office.system.patch("/people/lapse-leaver", {"disabled": False}, 204)
    assert office.security.raw("POST", f"{path}/activation", digest).status_code == 409, "enabled again is not approved again"

    again = office.security.post(f"{path}/approval", digest, 200)
    assert (again["state"], approvals(again)) == ("approved", {own["audit"]: False, own["security"]: False})
    assert office.security.post(f"{path}/activation", digest, 200)["state"] == "in-force"


def test_a_role_that_was_taken_away_takes_the_approval_with_it(archive_on, offices):
    office = offices
    mover = second_officer(archive_on, "lapse-mover", "audit-administrator")
    proposed = office.system.post("/policies", {"text": NO_EXPORT, "reason": "a test"}, 201)
    path, digest = f"/policies/{proposed['version']}", {"digest": proposed["digest"]}
    mover.post(f"{path}/approval", digest, 200)
    office.security.post(f"{path}/approval", digest, 200)
    role = "/people/lapse-mover/roles/audit-administrator"
    office.security.delete(role, 204)
    assert office.security.raw("POST", f"{path}/activation", digest).status_code == 409
    office.security.put(role, None, 204)
    assert office.security.raw("POST", f"{path}/activation", digest).status_code == 409, "given back is not approved again"
    assert office.system.get(path)["state"] == "proposed"
    again = api(archive_on, office.sign_in("lapse-mover"))
    again.post(f"{path}/approval", digest, 200)
    assert office.security.post(f"{path}/activation", digest, 200)["state"] == "in-force"


def test_a_maintenance_session_closes_with_the_office_of_who_approved_it(archive_on):
    office = archive_on.office
    vendor = api(archive_on, outsider_token(office, "lapse-vendor", "vendor"))
    leaver = second_officer(archive_on, "lapse-approver", SECURITY)
    body = {"name": "lapse-vendor", "scopes": ["health"], "reason": "ticket 4711"}
    session = office.system.post("/maintenance", body, 201)
    path = f"/maintenance/{session['maintenance']}"
    assert leaver.post(f"{path}/approval", None, 200)["state"] == "open"
    assert vendor.raw("GET", "/system/health").status_code == 200

    office.system.patch("/people/lapse-approver", {"disabled": True}, 204)
    assert vendor.raw("GET", "/system/health").status_code == 403, "with the next request"
    read = office.system.get(path)
    assert (read["state"], read["approved_by"]) == ("approval-lapsed", "lapse-approver")
    approved = office.security.post(f"{path}/approval", None, 200)
    assert (approved["state"], approved["approved_by"]) == ("open", office_names(office)["security"])
    assert vendor.raw("GET", "/system/health").status_code == 200


def office_names(office) -> dict:
    return {word: office.names[f"{word}-administrator"] for word in ("system", "security", "audit")}
