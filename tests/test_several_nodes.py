"""Several nodes on one catalogue, each with packs and an audit log of its own: what one takes, all have; what one loses, the others go on without."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from yingdun_testkit import part10, program
from yingdun_testkit.administration import Office
from yingdun_testkit.installation import DidNotStart, wait_until
from yingdun_testkit.several import FurtherNode, has_sent_all, knows_copies, reached, sends_copies
from yingdun_testkit.vault import Vault
from yingdun_testkit.web import Web

SCOPES = ("store", "search", "view")


class Nodes:
    """Three nodes that serve, and a service client that all of them know."""

    def __init__(self, make_installation, databases, root):
        first = make_installation("first", databases=databases, serve=False)
        reached(first)
        # The second node sends copies of its packs elsewhere; the first one knows where, the third does not.
        self.plain = first.config.read_text()
        knows_copies(first, root / "copies")
        first.start()
        first.office = Office(first)
        self.token = first.office.client_token("gateway", *SCOPES)
        self.root, self.nodes = root, [first]
        for name in ("second", "third"):
            self.nodes.append(self.prepared(name))
            if name == "second":
                sends_copies(self.nodes[-1], root / "copies")
            self.nodes[-1].join()
            self.nodes[-1].start()
        self.webs = [self.web(node) for node in self.nodes]

    def web(self, node):
        return Web(node, self.token)

    def prepared(self, name) -> FurtherNode:
        node = FurtherNode(self.root / name, self.nodes[0], name)
        node.config.write_text(self.plain)
        return node

    def listed(self) -> list:
        first = self.nodes[0]
        return program.run_json("nodes", "list", "--config", first.config, env=first.environment())["nodes"]

    def metric(self, node, name: str) -> float:
        """The sum of a metric over its labels."""
        office = Office(node, names=self.nodes[0].office.names)
        return sum(value for key, value in office.metrics().items() if key.startswith(name))

    def remove(self):
        for node in self.nodes:
            node.kill()
            shutil.rmtree(node.root, ignore_errors=True)


@pytest.fixture(scope="module")
def nodes(make_installation, postgres_cluster, tmp_path_factory):
    made = Nodes(make_installation, postgres_cluster.databases_of_an_installation(), tmp_path_factory.mktemp("nodes"))
    yield made
    made.remove()


def refused_because(node, *why: str):
    before = len(node.log_text())
    with pytest.raises(DidNotStart):
        node.start()
    said = node.log_text()[before:]
    assert all(words in said for words in why), said


def study_uids(web, patient: str) -> set:
    return {row["0020000D"]["Value"][0] for row in web.search("/studies", PatientID=patient)}


def test_what_one_node_takes_all_of_them_find_and_give(nodes):
    images = [part10.image(patient_name="Zhang^San", patient_id="several-1", seed=n) for n in range(3)]
    for web, image in zip(nodes.webs, images):
        web.must_store(part10.file_bytes(image))
    # One study whose series came to three nodes.
    study = images[0].StudyInstanceUID
    parts = [part10.image(patient_name="Zhang^San", patient_id="several-1", study=study, seed=10 + n) for n in range(3)]
    for web, image in zip(nodes.webs, parts):
        web.must_store(part10.file_bytes(image))
    wanted = {image.StudyInstanceUID for image in images}
    for web in nodes.webs:
        wait_until(lambda: study_uids(web, "several-1") == wanted, "every node finds every study")
        for image in images + parts:
            assert part10.parse(web.file_of(image)) == image
        [row] = web.search("/studies", StudyInstanceUID=study)
        assert row["00201208"]["Value"] == [4], "instances of the study, wherever they lie"
    assert [node["serves"] for node in nodes.listed()] == [True, True, True]
    assert len({node["audit_log"] for node in nodes.listed()}) == 3


def test_each_look_is_a_leaf_of_the_node_that_was_asked_and_of_no_other(nodes):
    image = part10.image(patient_id="several-leaf")
    nodes.webs[0].must_store(part10.file_bytes(image))
    wait_until(lambda: study_uids(nodes.webs[1], "several-leaf"), "the second node finds it")

    assert nodes.webs[1].file_of(image)
    logs = {node["number"]: node["audit_log"] for node in nodes.listed()}
    for node in nodes.nodes:
        audit = Office(node, names=nodes.nodes[0].office.names).audit
        rows = audit.get("/audit/search", {"study_uid": image.StudyInstanceUID, "kind": "access", "limit": 100})
        assert [row["log"] for row in rows if row["leaf"]["action"] == "view"] == [logs[2]], rows


def test_a_search_over_the_logs_of_three_nodes_goes_on_at_any_of_them(nodes):
    audits = [Office(node, names=nodes.nodes[0].office.names).audit for node in nodes.nodes]
    until = int(time.time() * 1000)
    places, cursor, turn = [], {}, 0
    while cursor is not None:
        answer = audits[turn % 3].raw("GET", "/audit/search", params={"limit": 20, "kind": "access", "until_ms": until, **cursor})
        assert answer.status_code == 200 and answer.headers["Yingdun-Logs"] == "3", answer.text
        assert answer.headers["Yingdun-Whole"] == "true"
        count = int(answer.headers.get("Yingdun-Count", "0")) if turn == 0 else count
        places += [(row["log"], row["index"]) for row in answer.json()]
        cursor = {"cursor": answer.headers["Yingdun-Next"]} if "Yingdun-Next" in answer.headers else None
        turn += 1
    assert len(places) == len(set(places)) == count and len({log for log, _ in places}) == 3


def test_one_instance_that_comes_to_all_nodes_at_once_has_a_version_for_each_content(nodes):
    one = part10.image(patient_id="several-versions", seed=1)
    files = []
    for number in range(3):
        one.InstanceNumber = number + 1
        files.append(part10.file_bytes(one))
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda pair: pair[0].store(pair[1]).status_code, zip(nodes.webs, files)))
    assert answers == [200, 200, 200]
    kept = lambda: [part10.parse(web.file_of(one)) for web in nodes.webs]
    # What one node has just acknowledged the others may miss for a moment.
    alike = lambda: (of := kept()) and of[0] == of[1] == of[2] and of[0]
    wait_until(alike, "all nodes give the same newest version")
    time.sleep(1)
    newest = alike()
    assert newest, "and go on doing so"
    one.InstanceNumber = newest.InstanceNumber
    assert newest == one
    [row] = nodes.webs[0].search("/studies", PatientID="several-versions")
    assert row["00201208"]["Value"] == [1]


def test_who_is_revoked_at_one_node_is_nobody_at_the_others(nodes):
    office = nodes.nodes[0].office
    token = office.client_token("leaves", *SCOPES)
    webs = [Web(node, token) for node in nodes.nodes]
    assert all(web.get("/studies").status_code in (200, 204) for web in webs)
    office.system.patch("/clients/leaves", {"disabled": True}, 204)
    for web in webs:
        wait_until(lambda: web.get("/studies").status_code == 401, "the token is dead", 10)


def test_a_consent_that_is_withdrawn_at_one_node_closes_at_the_others(nodes):
    office, patient = nodes.nodes[0].office, "nodes-consent"
    office.security.put("/departments/lung-2026", {"name": "Lung nodules"}, 204)
    token = office.person_token("dr-sun", "researcher")
    now = int(time.time() * 1000)
    member = {"name": "dr-sun", "department": "lung-2026", "valid_from_ms": now - 1000, "valid_until_ms": now + 3_600_000}
    office.security.put("/department-members", member, 204)
    image = part10.image(patient_id=patient)
    nodes.webs[0].must_store(part10.file_bytes(image))
    office.security.put("/study-departments", {"study": image.StudyInstanceUID, "requesting": ["lung-2026"]}, 204)
    researchers = [Web(node, token) for node in nodes.nodes]
    opened = lambda: [web.get(f"/studies/{image.StudyInstanceUID}/metadata").status_code for web in researchers]
    assert opened() == [404] * 3
    body = {"patient_id": patient, "to": "research", "form": "paper", "giver": "patient", "reference": "folder 7"}
    made = office.security.post("/consents", body, 201)
    assert opened() == [200] * 3, "entered at one node, it holds at all of them"
    Office(nodes.nodes[1], names=office.names).security.post(f"/consents/{made['consent']}/withdraw", None, 204)
    wait_until(lambda: opened() == [404] * 3, "the study closes at every node", 10)


def test_a_node_that_is_lost_takes_nothing_with_it_but_its_own_packs_until_it_is_back(nodes):
    lost, others = nodes.nodes[1], [nodes.webs[0], nodes.webs[2]]
    there, here = (part10.image(patient_id="several-lost", seed=n) for n in (1, 2))
    nodes.webs[1].must_store(part10.file_bytes(there))
    nodes.webs[0].must_store(part10.file_bytes(here))
    wait_until(lambda: len(study_uids(others[1], "several-lost")) == 2, "the third node finds both")
    wait_until(lambda: has_sent_all(lost, nodes.root / "copies"), "it has sent what it has", 60)
    lost.kill()
    began = time.monotonic()
    assert part10.parse(others[0].file_of(there)) == there, "read from where its copies are"
    assert time.monotonic() - began < 2
    wait_until(lambda: [node["serves"] for node in nodes.listed()] == [True, False, True], "it is seen that it is gone", 60)
    for web in others:
        assert part10.parse(web.file_of(here)) == here
        assert len(study_uids(web, "several-lost")) == 2
    path = f"/studies/{there.StudyInstanceUID}/metadata"
    assert others[1].get(path).status_code == 503, "unavailable, and neither damaged nor unknown"
    assert nodes.metric(nodes.nodes[0], "yingdun_node_copies_read_bytes_total") > 0
    more = part10.image(patient_id="several-lost", seed=3)
    others[1].must_store(part10.file_bytes(more))
    lost.start()
    for web in others:
        # Who was silent is not asked again for two seconds.
        wait_until(lambda: web.get(f"/studies/{there.StudyInstanceUID}/metadata").status_code == 200, "it is asked again")
    for web in nodes.webs:
        for image in (there, here, more):
            assert part10.parse(web.file_of(image)) == image


def test_nodes_are_started_anew_one_after_the_other_and_nobody_is_turned_away(nodes):
    """What an upgrade node by node does; clients go to another node while one is away."""
    stop, stored, failed = threading.Event(), [], []

    def send(position):
        web = nodes.web(nodes.nodes[position])
        while not stop.is_set():
            image = part10.image(patient_id="several-rolling")
            for _ in range(30):
                try:
                    answer = web.store(part10.file_bytes(image)).status_code
                except requests.RequestException:
                    answer = None
                if answer == 200:
                    stored.append(image)
                    break
                position = (position + 1) % 3
                web = nodes.web(nodes.nodes[position])
            else:
                failed.append(image)

    with ThreadPoolExecutor(2) as pool:
        senders = [pool.submit(send, position) for position in range(2)]
        try:
            for node in nodes.nodes:
                before = len(stored)
                assert node.stop() == 0
                wait_until(lambda: len(stored) > before + 3, "the others take images meanwhile", 60)
                node.start()
        finally:
            stop.set()
        for sender in senders:
            sender.result()
    assert not failed
    for web in nodes.webs:
        wait_until(lambda: len(study_uids(web, "several-rolling")) >= min(100, len(stored)), "all are found")
    for image in stored:
        assert part10.parse(nodes.webs[0].file_of(image)) == image


def test_who_has_not_joined_is_refused_before_it_does_any_harm(nodes):
    stranger = nodes.prepared("stranger")
    stranger.settings["AUDIT__ORIGIN"] = "renmin/audit/stranger"
    dry = stranger.run("nodes", "join", "--dry-run")
    assert dry["dry_run"] and dry["log_begun"] and dry["number"] is None and len(dry["other_nodes"]) == 3
    assert not stranger.audit_directory.exists() and not stranger.replicas[0].exists() and len(nodes.listed()) == 3
    refused_because(stranger, "there is no audit log in")
    stranger.run("audit", "begin")
    refused_because(stranger, "the catalogue is filled by other nodes", "yingdun nodes join")
    assert len(nodes.listed()) == 3

    # A log and an address are one node's.
    copied = nodes.prepared("copied")
    shutil.copytree(nodes.nodes[2].audit_directory, copied.audit_directory)
    copied.settings["AUDIT__ORIGIN"] = nodes.nodes[2].settings["AUDIT__ORIGIN"]
    refused_because(copied, "the audit log of this node is in use by another server", "one of both is a copy")
    same = {**copied.settings, "NODE__ADDRESS": nodes.nodes[0].settings["NODE__ADDRESS"], "AUDIT__ORIGIN": "renmin/audit/same"}
    copied.settings = same
    told = program.run("nodes", "join", "--config", copied.config, env=copied.environment())
    assert told.returncode == 2 and "give this one an address of its own" in told.stderr

    # Who believes to be alone is not let in; nor is a command that has to be.
    alone = nodes.prepared("alone")
    alone.settings = {name: value for name, value in alone.settings.items() if not name.startswith("NODE__")}
    refused_because(alone, "another server works on this database")
    told = program.run("keys", "rehearse", "--config", nodes.nodes[0].config, "--passphrase-file", "x", "backup", env=nodes.nodes[0].environment())
    assert told.returncode != 0
    for node in (stranger, copied, alone):
        shutil.rmtree(node.root)
    assert all(web.get("/studies").status_code == 200 for web in nodes.webs)


def test_each_node_has_a_vault_that_keeps_what_lies_in_its_packs(nodes, tmp_path):
    images = [part10.image(patient_id="several-vault", seed=n) for n in range(2)]
    for position, image in enumerate(images):
        nodes.webs[position].must_store(part10.file_bytes(image))
    wait_until(lambda: len(study_uids(nodes.webs[1], "several-vault")) == 2, "the second node finds both")
    for position in range(2):
        node = nodes.nodes[position]
        node.office = Office(node, names=nodes.nodes[0].office.names)
        folder = tmp_path / str(position)
        (folder / "scratch").mkdir(parents=True)
        vault = Vault(folder, node, client=f"vault-{position}")
        pulled = vault("pull")["pulled"]
        assert pulled["snapshot"] == 1 and pulled["alarms"] == [] and pulled["packs"] >= 1, pulled
        assert vault("verify")["faults"] == []
        said = vault("rehearse", "--scratch", folder / "scratch", "--passphrase-file", node.directory / "keys" / "passphrase")
        rehearsed = said["rehearsed"]
        assert said["good"] and rehearsed["damaged"] == 0 and rehearsed["records"] > 0, said
        assert rehearsed["of_other_nodes"] > 0, said
