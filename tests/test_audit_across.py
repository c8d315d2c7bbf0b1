"""Who looked, asked once: every node of an installation has a log of its own, and the answer is that of all of them, or says which are missing."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Api, Office
from yingdun_testkit.authenticator import outsider_token
from yingdun_testkit.installation import wait_until
from yingdun_testkit.several import FurtherNode, reached
from yingdun_testkit.web import Web

FIRST, SECOND = "renmin/audit", "renmin/audit/second"

#: How long another node is not asked again after it did not answer.
SILENT_SECONDS = 2.5
#: How long a node is waited for.
NODE_SECONDS = 5
#: What a machine may take in which everything else runs at the same time.
BUSY_SECONDS = 20


class Two:
    """Two nodes that serve; each has a gateway that may look, and the audit administrator."""

    def __init__(self, make_installation, databases, root):
        self.first = make_installation("across", databases=databases, serve=False)
        reached(self.first)
        self.first.settings["IDENTITY__PATIENT_RELEASE_HOURS"] = "0"
        self.first.start()
        self.office = self.first.office = Office(self.first)
        self.second = FurtherNode(root / "second", self.first, "second")
        self.second.join()
        self.second.start()
        self.nodes = [self.first, self.second]
        self.token = self.office.client_token("gateway", "store", "search", "view")
        # Who looks again within a minute stays inside one leaf.
        self.lookers = [self.office.client_token(f"looker-{number}", "search", "view") for number in range(5)]

    def web(self, node) -> Web:
        return Web(node, self.token)

    def audit(self, node) -> Api:
        return Api(node.addresses.web, str(node.ca_file), self.office.audit.token)

    def looked_at(self, patient: str, looks=(1, 1)):
        """An image that so many looked at, at each node."""
        image = part10.image(patient_id=patient)
        self.web(self.first).must_store(part10.file_bytes(image))
        path = f"/studies/{image.StudyInstanceUID}/metadata"
        wait_until(lambda: all(self.found(self.web(node), image) for node in self.nodes), "both find it")
        # In turns, so that the leaves of both are mixed.
        for number in range(max(looks)):
            for node, times in zip(self.nodes, looks):
                if number < times:
                    assert Web(node, self.lookers[number]).get(path).status_code == 200
        return image

    def page(self, node, token) -> str:
        """The page on which a patient reads who looked."""
        cookies = {"__Host-yingdun-session": token}
        answer = requests.get(f"{node.addresses.web}/record", cookies=cookies, verify=str(node.ca_file), timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.text

    def found(self, web, image) -> bool:
        return bool(web.search("/studies", StudyInstanceUID=image.StudyInstanceUID))

    def remove(self):
        self.second.kill()


@pytest.fixture(scope="module")
def two(make_installation, postgres_cluster, tmp_path_factory):
    made = Two(make_installation, postgres_cluster.databases_of_an_installation(), tmp_path_factory.mktemp("across"))
    yield made
    made.remove()


def who_looked(api, **asked):
    answer = api.raw("POST", "/audit/accesses", asked)
    assert answer.status_code == 200, answer.text
    return answer


def views(rows) -> list:
    return sorted(row["log"] for row in rows if row["action"] == "view")


def pages(two, nodes, limit, **conditions):
    """All rows of a search in pages, the next one at the next node."""
    rows, cursor, whole, turn = [], {}, [], 0
    while True:
        api = two.audit(nodes[turn % len(nodes)])
        answer = api.raw("GET", "/audit/search", params={"limit": limit, **conditions, **cursor})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()) <= limit
        rows += answer.json()
        whole.append(answer.headers["Yingdun-Whole"])
        if "Yingdun-Next" not in answer.headers:
            return rows, whole
        cursor, turn = {"cursor": answer.headers["Yingdun-Next"]}, turn + 1


def by_log(rows, log) -> list:
    return [row for row in rows if row["log"] == log]


def test_who_looked_gives_the_looks_at_all_nodes_whichever_is_asked(two):
    image = two.looked_at("across-1")
    for node, own in zip(two.nodes, (FIRST, SECOND)):
        answer = who_looked(two.audit(node), study_uid=image.StudyInstanceUID)
        assert views(answer.json()) == [FIRST, SECOND]
        assert answer.headers["Yingdun-Whole"] == "true" and answer.headers["Yingdun-Log"] == own
        assert sorted(json.loads(answer.headers["Yingdun-Logs-Read"])) == [FIRST, SECOND]
        assert "Yingdun-Logs-Missing" not in answer.headers and answer.headers["Yingdun-Logs"] == "2"
        assert answer.headers["Yingdun-Count"] == str(len(answer.json()))
        of_patient = who_looked(two.audit(node), patient_id="across-1")
        assert of_patient.json() == answer.json() and of_patient.headers["Yingdun-Known"] == "true"
        mine = who_looked(two.audit(node), study_uid=image.StudyInstanceUID, log=SECOND)
        assert views(mine.json()) == [SECOND] and mine.headers["Yingdun-Whole"] == "false"
        assert [one["why"] for one in json.loads(mine.headers["Yingdun-Logs-Missing"])] == ["not-asked"]
    assert two.audit(two.first).raw("GET", "/audit/search", params={"log": "renmin/audit/third"}).status_code == 404


def test_the_question_is_a_leaf_where_it_was_asked_and_where_the_log_was_read(two):
    image = two.looked_at("across-2")
    rows = who_looked(two.audit(two.second), study_uid=image.StudyInstanceUID).json()
    study = rows[0]["study"]
    leaves = two.audit(two.first).get("/audit/search", {"study": study, "kind": "query", "limit": 100})
    [read] = [row for row in leaves if row["leaf"]["reason"] == "asked-by-node" and row["log"] == FIRST]
    assert read["leaf"]["actor"] == SECOND and read["leaf"]["actor_kind"] == "system"
    assert read["leaf"]["action"] == "read-audit" and read["leaf"]["counts"]["store"] == 2
    asked = two.audit(two.second).get("/audit/search", {"action": "read-audit", "log": SECOND, "limit": 100})
    [asked] = [row for row in asked if row["index"] == read["leaf"]["counts"]["leaf"]]
    assert asked["leaf"]["actor"] == two.office.names["audit-administrator"] and asked["leaf"]["outcome"] == "permitted"


def test_fhir_is_of_one_log_and_says_so(two):
    answer = two.audit(two.second).raw("GET", "/AuditEvent", params={"_count": 2}, prefix="/fhir/r4")
    assert answer.status_code == 200, answer.text
    [outcome] = [entry for entry in answer.json()["entry"] if entry["search"]["mode"] == "outcome"]
    assert outcome["resource"]["resourceType"] == "OperationOutcome" and outcome["resource"]["issue"][0]["code"] == "incomplete"
    assert SECOND in outcome["resource"]["issue"][0]["diagnostics"] and len(answer.json()["entry"]) == 3


def test_who_may_not_ask_has_nobody_asked(two):
    def asked():
        return len(two.audit(two.first).get("/audit/search", {"actor": SECOND, "log": FIRST, "limit": 1000}))

    before = asked()
    refused = Api(two.second.addresses.web, str(two.second.ca_file), two.token).raw("GET", "/audit/search")
    assert refused.status_code == 403 and asked() == before


def test_pages_over_both_logs_give_each_leaf_once_in_the_order_of_time(two):
    two.looked_at("across-3", looks=(4, 5))
    until = int(time.time() * 1000) + 1
    conditions = {"kind": "access", "until_ms": until}
    whole = {log: two.audit(two.first).get("/audit/search", {**conditions, "log": log, "limit": 1000}) for log in (FIRST, SECOND)}
    assert all(len(rows) >= 5 for rows in whole.values())
    for nodes in ([two.first], [two.second], [two.first, two.second]):
        rows, said = pages(two, nodes, 3, **conditions)
        assert set(said) == {"true"} and len(said) > 3
        for log, expected in whole.items():
            assert by_log(rows, log) == expected, "each once, in the order of its log"
        times = [row["leaf"]["time_ms"] for row in rows]
        assert times == sorted(times, reverse=True)
        assert len({row["log"] for row in rows[:4]}) == 2, "both from the beginning"
    stranger = two.audit(two.first).raw("GET", "/audit/search", params={"cursor": "before-7-in-0011223344556677"})
    assert stranger.status_code == 422 and "another log" in stranger.text


def test_everybody_sees_the_own_looks_at_all_nodes(two):
    image = two.looked_at("across-4")
    token = two.office.person_token("dr-across", "chief")
    for node in two.nodes:
        assert Web(node, token).get(f"/studies/{image.StudyInstanceUID}/metadata").status_code == 200
    for node in two.nodes:
        own = Api(node.addresses.web, str(node.ca_file), token).raw("GET", "/me/accesses")
        assert own.status_code == 200 and sorted(row["log"] for row in own.json()) == [FIRST, SECOND]
        assert {row["actor"] for row in own.json()} == {"dr-across"} and own.headers["Yingdun-Whole"] == "true"


def test_only_a_node_may_ask_a_node_and_not_without_end(two):
    url = f"{two.first.addresses.web}/api/v1/nodes/audit/search"
    device = two.first.issue_certificate("CT09")
    own = two.first.directory / "pki" / "server.pem", two.first.directory / "pki" / "server.key"
    second = two.second.directory / "pki" / "server.pem", two.second.directory / "pki" / "server.key"
    question = {"log": FIRST, "leaf": 1, "count": False, "limit": 1, "actor": "nobody-asks-this"}

    def caller(identity) -> requests.Session:
        session = requests.Session()
        session.trust_env, session.verify, session.cert = False, str(two.first.ca_file), identity
        return session

    def ask(identity, **changed):
        with caller(identity) as session:
            return session.post(url, json={**question, **changed}, timeout=30)

    def ask_often(_) -> list:
        with caller(known) as session:
            return [session.post(url, json=question, timeout=30).status_code for _ in range(40)]

    assert ask(None).status_code == 401
    assert ask((device["certificate_file"], device["private_key_file"])).status_code == 401
    assert ask(tuple(map(str, own))).status_code == 401, "its own is none of another"
    bearer = {"Authorization": f"Bearer {two.office.audit.token}"}
    assert requests.post(url, json=question, headers=bearer, verify=str(two.first.ca_file), timeout=30).status_code == 401
    known = tuple(map(str, second))
    answer = ask(known)
    assert answer.status_code == 200 and answer.json()["leaves"] == [] and answer.json()["log"] == FIRST
    assert ask(known, log=SECOND).status_code == 422
    assert ask(known, instance="0" * 32).status_code == 400, "what it does not understand it does not leave out"
    with ThreadPoolExecutor(8) as pool:
        answers = [status for often in pool.map(ask_often, range(8)) for status in often]
    assert set(answers) == {200, 429}, set(answers)
    time.sleep(1)
    leaves = two.audit(two.first).get("/audit/search", {"actor": SECOND, "log": FIRST, "limit": 1000})
    told = [row for row in leaves if row["leaf"]["counts"]["leaf"] == 1 and "study" not in row["leaf"]]
    assert len(told) == answers.count(200) + 1, "what was told is a leaf, each time"


def test_a_node_that_stands_still_is_waited_for_some_seconds_and_missed_by_name(two):
    image = two.looked_at("across-6")
    two.second.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        answer = who_looked(two.audit(two.first), study_uid=image.StudyInstanceUID)
        took = time.monotonic() - began
    finally:
        two.second.process.send_signal(signal.SIGCONT)
    assert took < NODE_SECONDS + BUSY_SECONDS and views(answer.json()) == [FIRST]
    [missing] = json.loads(answer.headers["Yingdun-Logs-Missing"])
    assert (missing["log"], missing["why"]) == (SECOND, "silent") and answer.headers["Yingdun-Whole"] == "false"
    time.sleep(SILENT_SECONDS)
    again = lambda: views(who_looked(two.audit(two.first), study_uid=image.StudyInstanceUID).json()) == [FIRST, SECOND]  # noqa: E731
    wait_until(again, "it is asked again", BUSY_SECONDS)


def test_a_node_that_is_away_is_missed_by_name_and_the_answer_is_right_otherwise(two, tmp_path):
    image = two.looked_at("across-5", looks=(2, 3))
    conditions = {"study_uid": image.StudyInstanceUID, "kind": "access"}
    patient = outsider_token(two.office, "zhang-across", "patient")
    body = {"name": "zhang-across", "patient_id": "across-5", "checked": "identity card"}
    two.office.security.post("/patient-accounts", body, 201)
    whole = who_looked(two.audit(two.first), study_uid=image.StudyInstanceUID)
    assert len(views(whole.json())) == 5
    read = two.page(two.first, patient)
    assert "谁查看过我的影像" in read and "不完整" not in read and read.count("<tr>") == 1 + 6, read
    first_page = two.audit(two.first).raw("GET", "/audit/search", params={"limit": 1, **conditions})
    assert first_page.headers["Yingdun-Whole"] == "true"
    seen = int(time.time() * 1000)
    two.second.kill()

    began = time.monotonic()
    answer = who_looked(two.audit(two.first), study_uid=image.StudyInstanceUID)
    assert time.monotonic() - began < BUSY_SECONDS
    assert answer.json() == by_log(whole.json(), FIRST), "what is there is right"
    assert answer.headers["Yingdun-Whole"] == "false" and json.loads(answer.headers["Yingdun-Logs-Read"]) == [FIRST]
    [missing] = json.loads(answer.headers["Yingdun-Logs-Missing"])
    assert missing["log"] == SECOND and missing["why"] == "silent"
    assert seen - 60_000 < missing["last_seen_ms"] <= seen
    assert answer.headers["Yingdun-Count"] == f"at least {len(answer.json())}"
    # A page goes on without it, and its place is kept.
    rows, walk = first_page.json(), {"cursor": first_page.headers["Yingdun-Next"]}
    next_page = two.audit(two.first).raw("GET", "/audit/search", params={"limit": 1, **conditions, **walk})
    assert next_page.status_code == 200 and next_page.headers["Yingdun-Whole"] == "false"
    rows, walk = rows + next_page.json(), {"cursor": next_page.headers["Yingdun-Next"]}
    # The patient is told, too, in words on the page; and so is who asks on the command line.
    own = Api(two.first.addresses.web, str(two.first.ca_file), patient).raw("GET", "/me/record/accesses")
    assert own.status_code == 200 and own.headers["Yingdun-Whole"] == "false" and len(own.json()) >= 2
    read = two.page(two.first, patient)
    assert "这份清单不完整" in read and "This list is not whole" in read and "in an hour" in read and "looker-" not in read
    token = tmp_path / "token"
    token.write_text(two.office.audit.token)
    command = ["audit", "accesses", "--study", image.StudyInstanceUID, "--server", two.first.addresses.web]
    command += ["--ca-file", two.first.ca_file, "--token-file", token]
    said = program.run_json(*command)
    assert said["whole"] is False and said["logs_read"] == [FIRST] and said["logs_missing"] == [missing]
    words = program.run(*command).stdout
    assert SECOND in words and "not whole" in words, words

    two.second.start()
    api = two.audit(two.first)
    ask = lambda: api.raw("POST", "/audit/accesses", {"study_uid": image.StudyInstanceUID})  # noqa: E731

    def whole_again():
        time.sleep(SILENT_SECONDS)
        return ask().headers["Yingdun-Whole"] == "true"

    wait_until(whole_again, "it is asked again", BUSY_SECONDS)
    assert ask().json() == whole.json()
    assert program.run_json(*command)["whole"] is True
    while walk:
        page = api.raw("GET", "/audit/search", params={"limit": 1, **conditions, **walk})
        rows += page.json()
        walk = {"cursor": page.headers["Yingdun-Next"]} if "Yingdun-Next" in page.headers else None
    assert page.headers["Yingdun-Whole"] == "true", "the last page is whole, so all pages together are"
    places = [(row["log"], row["index"]) for row in rows]
    assert sorted(places) == sorted((row["log"], row["index"]) for row in whole.json())
