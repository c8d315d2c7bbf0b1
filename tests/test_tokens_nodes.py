"""What comes once comes once on all nodes together, and what is taken away at one node is gone at the other."""

import shutil

import pytest

from yingdun_testkit.administration import Office
from yingdun_testkit.programs import Key, Prover
from yingdun_testkit.several import FurtherNode, reached

SEARCH = "/dicom-web/studies?limit=1"


@pytest.fixture(scope="module")
def nodes(make_installation, postgres_cluster, tmp_path_factory):
    """Two nodes that are known under one address, as behind a balancer: a proof says the address, not the node."""
    databases = postgres_cluster.databases_of_an_installation()
    first = make_installation("token-node", databases=databases, serve=False)
    reached(first)
    first.settings["WEB__PUBLIC_URL"] = first.settings["NODE__ADDRESS"]
    first.start()
    first.office = Office(first)
    second = FurtherNode(tmp_path_factory.mktemp("tokens") / "second", first, "second")
    second.join()
    second.start()
    yield first, second
    second.kill()
    shutil.rmtree(second.root, ignore_errors=True)


def at(node, key, token=None, nonce=None) -> Prover:
    """A program that talks to this node, by the address at which it listens: what a node says of itself is the address of both."""
    made = Prover(node, key)
    made.web, made.token, made.nonce = listens(node), token, nonce
    return made


def listens(node) -> str:
    return f"https://{node.settings['WEB__LISTEN']}"


def signed_in(node, client_id: str, secret: str, key: Key) -> tuple:
    """Token and nonce, given at one node."""
    made, url, nonce = Prover(node, key), f"{node.addresses.web}/oauth2/token", None
    for _ in range(2):
        answer = made.session.post(
            f"{made.web}/oauth2/token",
            data={"grant_type": "client_credentials"},
            auth=(client_id, secret),
            headers={"DPoP": key.proof("POST", url, nonce=nonce)},
            timeout=30,
        )
        nonce = answer.headers["DPoP-Nonce"]
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"], nonce


def test_a_proof_that_one_node_took_no_other_takes(nodes):
    first, second = nodes
    assert listens(first) != listens(second) and second.addresses.web == listens(first)
    key = Key()
    secret = first.office.system.post("/clients", {"client_id": "roaming"}, 201)["client_secret"]
    first.office.security.put("/clients/roaming/scopes", {"scopes": ["search"]}, 204)
    token, nonce = signed_in(first, "roaming", secret, key)
    url = f"{first.addresses.web}{SEARCH}"
    here, there = at(first, key, token, nonce), at(second, key, token, nonce)
    proof = key.proof("GET", url, token, nonce)
    assert there.get(SEARCH, proof=proof).status_code == 200, "token and nonce of the first node are good at the second"
    again = here.get(SEARCH, proof=proof)
    assert again.status_code == 401 and "invalid_dpop_proof" in again.headers["WWW-Authenticate"]
    assert here.get(SEARCH, proof=key.proof("GET", url, token, nonce)).status_code == 200, "another proof is"
    own = f"{listens(second)}{SEARCH}"
    assert there.get(SEARCH, proof=key.proof("GET", own, token, nonce)).status_code == 401, "not by the address of one node"
