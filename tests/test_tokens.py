"""Who a program is beyond a string that it carries: registered certificates, and tokens that open nothing without theirs."""

import time

import pytest

from yingdun_testkit.installation import wait_until
from yingdun_testkit.programs import Certificate, Key, Prover, browser

SEARCH = "/dicom-web/studies?limit=1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def authority(folder):
    return Certificate(folder, "partners", is_authority=True)


@pytest.fixture(scope="module")
def house(make_installation, authority):
    """An archive that takes certificates of one authority from programs, and of none."""
    settings = {"WEB__CLIENT_CA_FILE": str(authority.pem_file), "WEB__SELF_SIGNED_CLIENTS": "true"}
    return make_installation("tokens", settings=settings)


def client(house, client_id: str, *certificates, kind="certificate", scopes=("search",)) -> str:
    """A service client with registered certificates; gives its secret."""
    secret = house.office.system.post("/clients", {"client_id": client_id}, 201)["client_secret"]
    for certificate in certificates:
        register(house, client_id, certificate, kind)
    house.office.security.put(f"/clients/{client_id}/scopes", {"scopes": list(scopes)}, 204)
    return secret


def register(house, client_id: str, certificate, kind="certificate", **more) -> dict:
    body = {"kind": kind, "certificate": certificate.pem, **more}
    if kind == "certificate-key":
        body.setdefault("valid_until_ms", int(time.time() * 1000) + 3_600_000)
    return house.office.system.post(f"/clients/{client_id}/credentials", body, 201)


def ask_token(house, certificate, client_id: str, secret=None, session=None):
    form = {"grant_type": "client_credentials", "client_id": client_id}
    session = session or browser(house, certificate)
    more = {"data": form} if secret is None else {"data": {"grant_type": form["grant_type"]}, "auth": (client_id, secret)}
    return session.post(f"{house.addresses.web}/oauth2/token", timeout=60, **more)


def token_of(house, certificate, client_id: str, secret=None) -> str:
    answer = ask_token(house, certificate, client_id, secret)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def search(house, token: str, certificate=None, session=None):
    session = session or browser(house, certificate)
    return session.get(f"{house.addresses.web}{SEARCH}", headers={"Authorization": f"Bearer {token}"}, timeout=60)


def refused(answer) -> bool:
    said = answer.headers.get("WWW-Authenticate", "")
    return answer.status_code == 401 and 'error="invalid_token"' in said


# === certificates ===


@pytest.mark.parametrize("signed_by", ["authority", "itself"])
def test_a_registered_certificate_is_enough_and_its_token_opens_nothing_without_it(house, folder, authority, signed_by):
    name = f"partner-{signed_by}"
    own = Certificate(folder, name, authority=authority if signed_by == "authority" else None)
    other = Certificate(folder, "other", authority=authority)
    client(house, name, own)
    token = token_of(house, own, name)
    served = search(house, token, own)
    assert served.status_code == 200, served.text
    assert refused(search(house, token)), "stolen, without any certificate"
    assert refused(search(house, token, other)), "stolen, with another certificate of the same authority"
    faults = {leaf["reason"] for leaf in house.office.leaves(outcome="refused", kind="authentication")}
    assert "token-with-other-certificate" in faults


def test_a_certificate_that_is_not_registered_signs_nobody_in(house, folder, authority):
    known, unknown = Certificate(folder, "known", authority=authority), Certificate(folder, "known", authority=authority)
    client(house, "strict", known)
    answer = ask_token(house, unknown, "strict")
    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"
    assert ask_token(house, None, "strict").status_code == 401
    assert ask_token(house, known, "nobody").status_code == 401
    over = Certificate(folder, "over", authority=authority, key=known.key, since=-7200, until=-3600)
    body = {"kind": "certificate", "certificate": over.pem}
    told = house.office.system.raw("POST", "/clients/strict/credentials", body)
    assert told.status_code == 422 and "beyond now" in told.text, told.text


def test_a_key_is_known_in_a_renewed_certificate_and_the_token_stays_with_the_old_one(house, folder):
    first = Certificate(folder, "renewed")
    client(house, "renewing", first, kind="certificate-key")
    token = token_of(house, first, "renewing")
    second = Certificate(folder, "renewed", key=first.key)
    assert refused(search(house, token, second)), "a token is bound to the certificate, not to its key"
    assert search(house, token_of(house, second, "renewing"), second).status_code == 200


def test_a_secret_over_a_registered_certificate_gives_a_bound_token_too(house, folder):
    own = Certificate(folder, "both")
    secret = client(house, "both", own)
    token = token_of(house, own, "both", secret)
    assert search(house, token, own).status_code == 200 and refused(search(house, token))
    unbound = token_of(house, None, "both", secret)
    assert search(house, unbound).status_code == 200, "nothing is demanded of it"


def test_what_is_demanded_ends_what_was_there_and_a_secret_alone_is_worth_nothing(house, folder):
    own = Certificate(folder, "bound")
    secret = client(house, "bound", own)
    loose = token_of(house, None, "bound", secret)
    house.office.system.put("/clients/bound/demands", {"demands": ["certificate"]}, 204)
    assert refused(search(house, loose))
    assert ask_token(house, None, "bound", secret).status_code == 401
    token = token_of(house, own, "bound", secret)
    assert search(house, token, own).status_code == 200, "what is stricter takes no right"
    house.office.system.put("/clients/bound/demands", {"demands": []}, 204)
    loosened = token_of(house, None, "bound", secret)
    assert search(house, loosened).status_code == 403, "who loosens a demand does not grant"


def test_another_certificate_takes_every_right(house, folder):
    own, more = Certificate(folder, "one"), Certificate(folder, "two")
    client(house, "growing", own)
    token = token_of(house, own, "growing")
    assert search(house, token, own).status_code == 200
    register(house, "growing", more)
    assert search(house, token, own).status_code == 403
    house.office.security.put("/clients/growing/scopes", {"scopes": ["search"]}, 204)
    assert search(house, token_of(house, more, "growing"), more).status_code == 200
    again = {"kind": "certificate", "certificate": more.pem}
    assert house.office.system.raw("POST", "/clients/growing/credentials", again).status_code == 409


def test_a_certificate_that_is_taken_away_ends_its_tokens_and_no_others(house, folder):
    gone, stays = Certificate(folder, "gone"), Certificate(folder, "stays")
    client(house, "leaving", gone, stays)
    first, second = token_of(house, gone, "leaving"), token_of(house, stays, "leaving")
    session = browser(house, gone)
    assert search(house, first, session=session).status_code == 200
    house.office.system.delete(f"/clients/leaving/credentials/certificate/{gone.sha256}", 204)
    assert refused(search(house, first, session=session)), "on a connection that is open, too"
    assert search(house, second, stays).status_code == 200
    assert ask_token(house, gone, "leaving").status_code == 401
    listed = house.office.system.get("/clients/leaving/credentials")
    assert [row["sha256"] for row in listed] == [stays.sha256]


def test_a_certificate_that_is_over_ends_its_tokens(house, folder):
    brief = Certificate(folder, "brief", until=25)
    client(house, "brief", brief)
    answer = ask_token(house, brief, "brief")
    assert answer.status_code == 200 and answer.json()["expires_in"] <= 25
    token, session = answer.json()["access_token"], browser(house, brief)
    assert search(house, token, session=session).status_code == 200
    ends = time.monotonic() + answer.json()["expires_in"] + 5
    wait_until(lambda: refused(search(house, token, session=session)) or time.sleep(0.5), "it ends", seconds=60)
    assert time.monotonic() < ends + 2, "within seconds"


def test_only_the_officer_in_charge_registers_and_it_is_written_down(house, folder):
    own = Certificate(folder, "written")
    client(house, "written", own)
    for officer in (house.office.security, house.office.audit):
        body = {"kind": "certificate", "certificate": own.pem}
        assert officer.raw("POST", "/clients/written/credentials", body).status_code == 403
        assert officer.raw("PUT", "/clients/written/demands", {"demands": []}).status_code == 403
    reasons = {leaf["reason"] for leaf in house.office.leaves(kind="administration", outcome="succeeded")}
    assert "add-credential" in reasons


def test_where_no_certificate_of_programs_is_taken_none_is_asked_for(archive, folder):
    own = Certificate(folder, "unasked")
    secret = client(archive, "unasked", own)
    assert ask_token(archive, own, "unasked").status_code == 401, "unset means closed"
    assert search(archive, token_of(archive, own, "unasked", secret)).status_code == 200
    told = browser(archive).get(f"{archive.addresses.web}/.well-known/oauth-authorization-server", timeout=30).json()
    assert told["tls_client_certificate_bound_access_tokens"] is False
    assert "self_signed_tls_client_auth" not in told["token_endpoint_auth_methods_supported"]


# === proofs of a key ===


def prover(house, name: str, kind="EC", certificate=None) -> Prover:
    """A program that has a token bound to a key of its own."""
    secret = client(house, name)
    made = Prover(house, Key(kind), certificate)
    granted = made.sign_in(name, secret)
    assert granted.status_code == 200, granted.text
    assert granted.json()["token_type"] == "DPoP"
    return made


def challenge(answer) -> str:
    """What is said of a refused proof."""
    said = answer.headers.get("WWW-Authenticate", "")
    assert answer.status_code == 401 and said.startswith("DPoP "), f"{answer.status_code} {said} {answer.text}"
    return said.split('error="')[1].split('"')[0]


@pytest.mark.parametrize("kind", ["EC", "OKP"])
def test_a_token_that_is_bound_to_a_key_opens_with_a_proof_and_with_nothing_else(house, kind):
    made = prover(house, f"prover-{kind}", kind)
    assert made.get(SEARCH).status_code == 200
    assert refused(search(house, made.token)), "stolen, as a bearer token"
    stranger = Prover(house, Key(kind))
    stranger.token, stranger.nonce = made.token, made.nonce
    assert challenge(stranger.get(SEARCH)) == "invalid_token", "stolen, with a proof of another key"
    with_proof = made.get(SEARCH, scheme="Bearer")
    assert refused(with_proof), "by the wrong scheme"
    bare = made.session.get(f"{made.web}{SEARCH}", headers={"Authorization": f"DPoP {made.token}"}, timeout=30)
    assert challenge(bare) == "invalid_token", "without a proof"
    assert made.get(SEARCH).status_code == 200


def test_a_proof_is_good_once(house):
    made = prover(house, "once")
    url = f"{made.web}{SEARCH}"
    proof = made.key.proof("GET", url, made.token, made.nonce)
    assert made.get(SEARCH, proof=proof).status_code == 200
    assert challenge(made.get(SEARCH, proof=proof)) == "invalid_dpop_proof"
    reasons = {leaf["reason"] for leaf in house.office.leaves(kind="authentication", outcome="refused")}
    assert "replayed-proof-of-key" in reasons


def test_a_proof_is_for_one_request_of_one_token_by_its_key(house):
    made = prover(house, "precise")
    assert made.get(SEARCH).status_code == 200
    now = int(time.time())
    for changed in (
        {"htu": f"{made.web}/dicom-web/series"},
        {"htu": "https://other.example/dicom-web/studies"},
        {"htm": "POST"},
        {"ath": "AAAA"},
        {"ath": None},
        {"iat": now - 400},
        {"iat": now + 400},
        {"jti": None},
        {"head": {"typ": "JWT"}},
    ):
        assert challenge(made.get(SEARCH, **changed)) == "invalid_dpop_proof", changed
    two = {"Authorization": f"DPoP {made.token}"}
    url = f"{made.web}{SEARCH}"
    proofs = ", ".join(made.key.proof("GET", url, made.token, made.nonce) for _ in range(2))
    assert made._send("GET", url, {**two, "DPoP": proofs}).status_code == 401, "one header, two proofs"
    assert made.get(SEARCH).status_code == 200


def test_a_proof_that_was_made_before_the_server_was_asked_is_sent_back(house):
    made = prover(house, "nonce")
    for nonce in (None, "made-up", made.nonce[:-4] + "AAAA"):
        answer = made.session.get(
            f"{made.web}{SEARCH}",
            headers={
                "Authorization": f"DPoP {made.token}",
                "DPoP": made.key.proof("GET", f"{made.web}{SEARCH}", made.token, nonce),
            },
            timeout=30,
        )
        assert challenge(answer) == "use_dpop_nonce" and answer.headers["DPoP-Nonce"]
    assert made.get(SEARCH).status_code == 200


def test_a_program_of_which_a_key_is_demanded_gets_no_token_without(house):
    secret = client(house, "demanding")
    house.office.system.put("/clients/demanding/demands", {"demands": ["dpop"]}, 204)
    assert ask_token(house, None, "demanding", secret).status_code == 401
    made = Prover(house, Key())
    assert made.sign_in("demanding", secret).status_code == 200
    assert made.get(SEARCH).status_code == 200


def test_an_ordinary_token_is_none_of_a_key(house):
    token = token_of(house, None, "plain", client(house, "plain"))
    made = Prover(house, Key())
    made.token = token
    assert challenge(made.get(SEARCH)) == "invalid_token"
    assert search(house, token).status_code == 200


def test_certificate_and_key_together_are_both_needed(house, folder):
    own = Certificate(folder, "twice")
    secret = client(house, "twice", own)
    house.office.system.put("/clients/twice/demands", {"demands": ["certificate", "dpop"]}, 204)
    made = Prover(house, Key(), own)
    assert made.sign_in("twice", secret).status_code == 200
    assert made.get(SEARCH).status_code == 200
    without = Prover(house, made.key)
    without.token, without.nonce = made.token, made.nonce
    assert challenge(without.get(SEARCH)) == "invalid_token", "the key without the certificate"
    assert refused(search(house, made.token, own)), "the certificate without the key"


def test_a_token_that_somebody_found_can_be_ended_by_whoever_found_it(house):
    made = prover(house, "found")
    house.office.revoke(made.token)
    assert challenge(made.get(SEARCH)) == "invalid_token"
