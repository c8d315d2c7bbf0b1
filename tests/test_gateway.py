"""The gateway in front of both doors: zones, rates, turns, slow clients, and the list of interfaces."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import time

import pytest
import requests
from pynetdicom import AE

from yingdun_testkit import part10, program
from yingdun_testkit.web import Web, instance_path
from yingdun_testkit.workstation import FIND, Entity, identifier


def rate(kind: str, what: str, per_second: int, burst: int, per_day=None) -> dict:
    """Settings of one rate."""
    name = f"GATEWAY__{kind.upper()}__{what.upper()}"
    settings = {f"{name}__PER_SECOND": str(per_second), f"{name}__BURST": str(burst)}
    return settings | ({f"{name}__PER_DAY": str(per_day)} if per_day else {})


@pytest.fixture(scope="module")
def image():
    return part10.image(patient_id="GATE-1", patient_name="Wang^Wei=王^伟", seed=900)


@pytest.fixture(scope="module")
def narrow(make_installation, image):
    """An archive whose rates a test can reach. A service client stores, searches and reads; one image is there."""
    installation = make_installation(
        "narrow",
        settings={
            **rate("client", "reading", 1, 5),
            **rate("client", "search", 1, 3),
            **rate("client", "bulk", 100, 100, per_day=4),
            **rate("device", "search", 1, 3),
            **rate("device", "associations", 1, 6),
        },
    )
    installation.gateway = Web(installation, installation.office.client_token("gate", "store", "search", "view"))
    installation.gateway.must_store(part10.file_bytes(image))
    return installation


def path_of(image) -> str:
    return instance_path(image.StudyInstanceUID, image.SeriesInstanceUID, image.SOPInstanceUID)


# === rates ===


def test_who_asks_too_fast_is_told_when_to_come_back_and_is_served_then(narrow, image):
    web, statuses = narrow.gateway, []
    for _ in range(12):
        answer = web.get(f"{path_of(image)}/metadata", "application/dicom+json")
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            break
    assert statuses[:5] == [200] * 5 and statuses[-1] == 429, statuses
    said = answer.json()
    assert said["type"].endswith("too-many") and "do" in said and "expected" in said
    wait = int(answer.headers["Retry-After"])
    assert 1 <= wait <= 2
    time.sleep(wait + 0.1)
    assert web.get(f"{path_of(image)}/metadata", "application/dicom+json").status_code == 200


def test_each_class_and_each_client_has_a_rate_of_its_own(narrow, image):
    web = narrow.gateway
    searched = [web.get("/studies").status_code for _ in range(6)]
    assert 429 in searched
    time.sleep(1.1)
    assert web.get(f"{path_of(image)}/metadata").status_code == 200, "reading goes on while searching is held"
    other = Web(narrow, narrow.office.client_token("other", "search"))
    assert other.get("/studies").status_code == 200, "another client is somebody else"


def test_a_quota_of_the_day_ends_what_a_rate_would_let_through(narrow, image):
    web = Web(narrow, narrow.office.client_token("carrier", "view"))
    answers = [web.get(f"/studies/{image.StudyInstanceUID}") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert int(answers[4].headers["Retry-After"]) > 60, "no second burst within the hour"


def test_wrong_tokens_are_refused_unread_after_a_while_and_keep_nobody_out_who_works_there(make_installation, image):
    installation = make_installation("guessed", settings=rate("address", "strangers", 2, 40))
    keeper = Web(installation, installation.office.client_token("keeper", "store"))
    keeper.must_store(part10.file_bytes(image))
    good = Web(installation, installation.office.client_token("worker", "view"))
    assert good.get(f"{path_of(image)}/metadata").status_code == 200
    guessing = Web(installation, "a-token-that-nobody-gave")
    statuses = [guessing.get("/studies").status_code for _ in range(80)]
    assert statuses[0] == 401 and statuses[-1] == 429, statuses
    assert good.get(f"{path_of(image)}/metadata").status_code == 200, "a token that was good a moment ago is looked up"
    health = requests.get(f"{installation.addresses.web}/health/live", verify=str(installation.ca_file), timeout=20)
    assert health.status_code == 200, "who balances load is no stranger"


def test_a_device_that_asks_too_fast_hears_that_resources_are_out_and_one_that_calls_too_often_is_rejected_for_now(narrow):
    narrow.office.device("GATEDEV", plain_allowed=True)
    narrow.office.grant_device("GATEDEV", "search")
    entity = Entity(narrow, "GATEDEV")
    association = entity.associate(FIND)
    asked = identifier(QueryRetrieveLevel="STUDY", StudyInstanceUID="1.2.3")
    statuses = [list(association.send_c_find(asked, FIND))[-1][0].Status for _ in range(8)]
    assert statuses[0] == 0x0000 and statuses[-1] == 0xA700, [hex(status) for status in statuses]
    time.sleep(1.2)
    assert list(association.send_c_find(asked, FIND))[-1][0].Status == 0x0000
    association.release()
    refused = narrow.office.metrics()["yingdun_gateway_refusals_total"]
    rejected = [echo(narrow, "GATEDEV") for _ in range(12)]
    assert rejected[0] == "accepted" and rejected[-1] == (2, 3, 2), f"transient, presentation, local limit: {rejected}"
    assert narrow.office.metrics()["yingdun_gateway_refusals_total"] > refused


def echo(installation, title: str):
    """How an association of a device ends: accepted, or result, source and reason of the rejection."""
    entity = AE(title)
    entity.add_requested_context("1.2.840.10008.1.1")
    association = entity.associate(*installation.addresses.dicom_plain, ae_title="YINGDUN")
    if association.is_established:
        association.release()
        return "accepted"
    answer = association.acceptor.primitive
    return (answer.result, answer.result_source, answer.diagnostic)


# === interfaces ===


def test_every_way_in_is_listed_with_its_owner_and_what_is_not_encrypted_is_told(narrow):
    done = program.run("interfaces", "--json", "--config", narrow.config)
    said = json.loads(done.stdout)
    rows, covered = said["interfaces"], said["coverage"]
    assert covered["owned"] == covered["interfaces"] == len(rows) > 200
    assert all(row["owner"] and row["class"] and row["authentication"] and row["encryption"] for row in rows)
    assert {row["door"] for row in rows if row["encryption"] == "none"} == {"dicom"}
    assert done.returncode == 1, "DICOM without TLS is open in these tests, and that is told"
    document = requests.get(f"{narrow.addresses.web}/api/openapi.json", verify=str(narrow.ca_file), timeout=20).json()
    named = {row["name"] for row in rows}
    served = {of["operationId"] for item in document["paths"].values() for of in item.values()}
    assert served <= named, served - named
    assert narrow.office.metrics()["yingdun_interfaces"] > covered["owned"]


def test_the_posture_of_tls_names_versions_suites_and_the_end_of_certificates(narrow):
    said = json.loads(program.run("interfaces", "--tls", "--json", "--config", narrow.config).stdout)
    doors = {door["door"]: door for door in said["doors"]}
    assert set(doors) == {"https", "dicom-tls", "dicom"}
    for name in ("https", "dicom-tls"):
        assert set(doors[name]["versions"]) == {"1.2", "1.3"} and doors[name]["suites"]
        assert doors[name]["certificate_not_after_ms"] > time.time() * 1000
        assert not [suite for suite in doors[name]["suites"] if "CBC" in suite or "RSA_WITH" in suite and "ECDHE" not in suite]
    assert doors["dicom-tls"]["client_certificate"] == "demanded"
    assert doors["dicom"]["versions"] == []


# === slow clients ===


def say_next_to_nothing(installation, source: str, head: bytes):
    """A TLS connection from an address of this machine that begins a request and does not go on."""
    host, port = installation.addresses.web.removeprefix("https://").rsplit(":", 1)
    raw = socket.create_connection((host, int(port)), timeout=20, source_address=(source, 0))
    context = ssl.create_default_context(cafile=str(installation.ca_file))
    context.check_hostname = False
    wrapped = context.wrap_socket(raw)
    wrapped.sendall(head)
    return wrapped


def test_connections_that_say_next_to_nothing_make_room_for_those_that_work(make_installation, image):
    installation = make_installation("crowded")
    web = Web(installation, installation.office.client_token("worker", "store", "view"))
    web.must_store(part10.file_bytes(image))
    with contextlib.ExitStack() as opened:
        dawdlers = []
        for number in range(1150):
            source = f"127.0.4.{1 + number % 10}"
            dawdlers.append(opened.enter_context(say_next_to_nothing(installation, source, b"GET / HTTP/1.1\r\nX: ")))
        # The connection that shows a good token is kept through all of it, and a new one finds a place.
        assert web.get(f"{path_of(image)}/metadata").status_code == 200
        fresh = Web(installation, web.token)
        assert fresh.get(f"{path_of(image)}/metadata").status_code == 200
        dawdlers[0].settimeout(10)
        with contextlib.suppress(OSError):
            assert dawdlers[0].recv(1) == b"", "the oldest was closed"
        assert installation.office.metrics()["yingdun_http_connections_evicted_total"] > 0
        assert installation.office.metrics()["yingdun_http_connections"] <= 1024


def test_strangers_who_announce_a_form_and_do_not_send_it_keep_nobody_from_signing_in(make_installation):
    installation = make_installation("awaited")
    token = installation.office.client_token("awaited", "search")
    host = installation.addresses.web.removeprefix("https://")
    head = f"POST /login HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n"
    with contextlib.ExitStack() as opened:
        # From the same address, and more than there are turns for strangers.
        silent = [
            opened.enter_context(say_next_to_nothing(installation, "127.0.0.1", head.encode()))
            for _ in range(4 * (os.cpu_count() or 1) + 4)
        ]
        began = time.monotonic()
        assert installation.office.client_token_again("awaited") != token
        assert time.monotonic() - began < 4, "nobody waited for a form of somebody else"
        silent[0].settimeout(15)
        assert b" 408 " in silent[0].recv(100), "a form has five seconds"
        assert time.monotonic() - began < 10


# === zones ===


def test_a_role_is_served_in_its_zone_only_and_what_lies_in_no_zone_is_closed(make_installation):
    installation = make_installation("zoned")
    sources = {"desk": "127.0.0.1", "ward": "127.0.5.7", "street": "127.0.6.7"}
    token = installation.office.person_token("dr-zone", "radiologist")
    of_officer = installation.office.security.token
    text = installation.config.read_text()
    installation.stop()
    installation.config.write_text(
        text
        + """
[gateway]
zones = { office = ["127.0.0.1"], wards = ["127.0.5.0/24"] }
classes = { administration = ["office"] }
roles = { security-administrator = ["office"] }

[[gateway.deny]]
name = "scanners"
header = "User-Agent"
header_value = "(?i)sqlmap"

[[gateway.deny]]
name = "watched"
path = "^/dicom-web/series$"
dry_run = true
"""
    )
    assert program.run("check-config", "--config", installation.config).returncode == 0
    installation.start()
    port = int(installation.addresses.web.rsplit(":", 1)[1])

    def ask(source: str, path: str, agent="viewer", token=token) -> int:
        context = ssl.create_default_context(cafile=str(installation.ca_file))
        context.check_hostname = False
        connection = http.client.HTTPSConnection(
            "127.0.0.1", port, timeout=20, context=context, source_address=(sources[source], 0)
        )
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}", "User-Agent": agent})
        return connection.getresponse().status

    assert ask("ward", "/dicom-web/studies") == 200
    assert ask("desk", "/dicom-web/studies") == 200
    assert ask("ward", "/api/v1/me/sessions") == 403, "administration is served in the office only"
    assert ask("desk", "/api/v1/me/sessions") == 200
    with pytest.raises(OSError):
        ask("street", "/health/live")
    assert ask("desk", "/dicom-web/studies", agent="SQLMap/1.7") == 403
    assert ask("desk", "/dicom-web/series") == 200, "a dry run only counts"

    # Who fails often enough before does not keep it off the ledger that a good token came from elsewhere.
    failed = [ask_for_token(installation, sources["ward"]) for _ in range(40)]
    assert set(failed) == {401}
    assert ask("ward", "/dicom-web/studies", token=of_officer) == 403
    installation.office.sign_in_officers()
    refused = [leaf for leaf in installation.office.leaves(outcome="refused") if leaf["reason"] == "outside-zone"]
    assert [leaf["actor"] for leaf in refused] == [installation.office.names["security-administrator"]], refused


def ask_for_token(installation, source: str) -> int:
    """A wrong secret of a client, from an address of this machine."""
    context = ssl.create_default_context(cafile=str(installation.ca_file))
    context.check_hostname = False
    port = int(installation.addresses.web.rsplit(":", 1)[1])
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=context, source_address=(source, 0))
    form = "grant_type=client_credentials&client_id=nobody&client_secret=wrong"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/oauth2/token", body=form, headers=headers)
    return connection.getresponse().status


def test_a_zone_that_nobody_declared_is_an_error_before_anything_starts(make_installation):
    installation = make_installation("misbound", serve=False)
    installation.config.write_text(installation.config.read_text() + '\n[gateway]\nroles = { chief = ["ward"] }\n')
    done = program.run("check-config", "--config", installation.config)
    assert done.returncode == 1 and "`ward`" in done.stdout + done.stderr
