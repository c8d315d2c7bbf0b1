"""Token introspection (RFC 7662): what a program with the scope `introspect` is told of tokens, and what nobody is told."""

import base64
import time

import pytest

from yingdun_testkit.programs import Certificate, Key, Prover, browser

NOT_ACTIVE = {"active": False}


@pytest.fixture(scope="module")
def house(make_installation):
    """An archive that takes certificates of programs."""
    return make_installation("introspected", settings={"WEB__SELF_SIGNED_CLIENTS": "true"})


@pytest.fixture(scope="module")
def portal(house):
    """The token of a resource server that may ask, and nothing else."""
    return house.office.client_token("resource-server", "introspect")


def ask(house, asker: str | None, token: str, **more):
    headers = {"Authorization": f"Bearer {asker}"} if asker else {}
    form = {"token": token, **more}
    return browser(house).post(f"{house.addresses.web}/oauth2/introspect", data=form, headers=headers, timeout=60)


def told(house, asker: str, token: str) -> dict:
    answer = ask(house, asker, token, token_type_hint="access_token")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json()


def digest(hexadecimal: str) -> str:
    return base64.urlsafe_b64encode(bytes.fromhex(hexadecimal)).rstrip(b"=").decode()


def test_a_living_token_is_told_whose_it_is(house, portal):
    before = int(time.time())
    service = house.office.client_token("viewer-service", "search", "view")
    answer = told(house, portal, service)
    assert answer["active"] is True and answer["token_type"] == "Bearer"
    assert answer["sub"] == answer["client_id"] == "viewer-service"
    assert sorted(answer["scope"].split()) == ["search", "view"]
    assert answer["role"] == "service" and "cnf" not in answer
    assert before - 1 <= answer["iat"] <= time.time() + 1 and answer["exp"] == pytest.approx(answer["iat"] + 3600, abs=1)
    person = told(house, portal, house.office.person_token("known-clinician", "clinician"))
    assert person["active"] is True and person["sub"] == "known-clinician" and person["role"] == "clinician"
    assert "client_id" not in person and "scope" not in person, "a person is no program and has no scopes"


def test_to_what_a_token_is_bound_is_told(house, portal, tmp_path):
    own = Certificate(tmp_path, "bound-partner")
    house.office.system.post("/clients", {"client_id": "bound-partner"}, 201)
    house.office.system.post("/clients/bound-partner/credentials", {"kind": "certificate", "certificate": own.pem}, 201)
    form = {"grant_type": "client_credentials", "client_id": "bound-partner"}
    given = browser(house, own).post(f"{house.addresses.web}/oauth2/token", data=form, timeout=60)
    assert given.status_code == 200, given.text
    answer = told(house, portal, given.json()["access_token"])
    assert answer["active"] is True and answer["cnf"] == {"x5t#S256": digest(own.sha256)}
    secret = house.office.system.post("/clients", {"client_id": "bound-prover"}, 201)["client_secret"]
    prover = Prover(house, Key())
    assert prover.sign_in("bound-prover", secret).status_code == 200
    answer = told(house, portal, prover.token)
    assert answer["token_type"] == "DPoP" and list(answer["cnf"]) == ["jkt"] and len(answer["cnf"]["jkt"]) == 43


def test_of_every_other_token_nothing_is_told(house, portal):
    office = house.office
    for unknown in ("A" * 43, "x", "Bearer " + portal, portal[:-1], portal + "A", "é" * 43):
        assert told(house, portal, unknown) == NOT_ACTIVE, unknown
    ended = office.person_token("ended-clinician", "clinician")
    assert told(house, portal, ended)["active"] is True
    office.revoke(ended)
    assert told(house, portal, ended) == NOT_ACTIVE
    disabled = office.client_token("disabled-service", "search")
    assert told(house, portal, disabled)["active"] is True
    office.system.raw("PATCH", "/clients/disabled-service", {"disabled": True}).raise_for_status()
    assert told(house, portal, disabled) == NOT_ACTIVE
    demanded = office.client_token("demanded-service", "search")
    office.system.put("/clients/demanded-service/demands", {"demands": ["dpop"]}, 204)
    assert told(house, portal, demanded) == NOT_ACTIVE, "a token that its account would not be taken with"
    role_lost = office.person_token("former-clinician", "clinician")
    office.security.delete("/people/former-clinician/roles/clinician", 204)
    assert told(house, portal, role_lost) == NOT_ACTIVE


def test_only_a_program_with_the_scope_asks(house, portal):
    office = house.office
    every_other = office.client_token("every-other", "store", "search", "view", "export", "worklist", "workitems", "vault")
    clinician = office.person_token("curious-clinician", "clinician")
    for asker in (every_other, clinician, office.system.token, office.security.token):
        answer = ask(house, asker, portal)
        assert answer.status_code == 403 and "introspect" in answer.text, answer.text
        assert "resource-server" not in answer.text
    assert ask(house, None, portal).status_code == 401
    assert ask(house, "A" * 43, portal).status_code == 401
    taken = office.client_token("asked-once", "introspect")
    assert told(house, taken, portal)["active"] is True
    office.security.put("/clients/asked-once/scopes", {"scopes": ["search"]}, 204)
    assert ask(house, taken, portal).status_code == 403, "with the next request"


def test_the_scope_opens_nothing_else_and_a_request_names_one_token(house, portal):
    session = browser(house)
    headers = {"Authorization": f"Bearer {portal}"}
    for path in ("/dicom-web/studies?limit=1", "/api/v1/people", "/api/v1/vault/holdings"):
        assert session.get(f"{house.addresses.web}{path}", headers=headers, timeout=60).status_code == 403, path
    address = f"{house.addresses.web}/oauth2/introspect"
    for form in ([], [("token", "a"), ("token", "b")]):
        answer = session.post(address, data=form or {"token_type_hint": "x"}, headers=headers, timeout=60)
        assert answer.status_code == 400, answer.text
    metadata = session.get(f"{house.addresses.web}/.well-known/oauth-authorization-server", timeout=60).json()
    assert metadata["introspection_endpoint"].endswith("/oauth2/introspect")


def test_each_question_is_on_the_ledger_without_the_token(house, portal):
    office = house.office
    asker = office.client_token("written-asker", "introspect")
    told(house, asker, portal)
    told(house, asker, "A" * 43)
    no_asker = office.client_token("refused-asker", "search")
    assert ask(house, no_asker, portal).status_code == 403
    leaves = [leaf for leaf in office.leaves(kind="query") if leaf["reason"] == "token-introspected"]
    by = {name: [leaf for leaf in leaves if leaf["actor"] == name] for name in ("written-asker", "refused-asker")}
    assert [leaf["outcome"] for leaf in by["refused-asker"]] == ["refused"]
    assert sorted(leaf["counts"]["active"] for leaf in by["written-asker"]) == [0, 1]
    assert portal not in str(leaves) and "resource-server" not in str(by)
