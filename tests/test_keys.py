"""Key-encryption keys are replaced while the archive works, and no image byte is touched."""

import hashlib

import pytest

from yingdun_testkit import part10, program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.web import Web

#: Studies before the rotation.
STUDIES = 12


@pytest.fixture(params=["sqlite", "postgres"])
def rotated_on(request, make_installation):
    if request.param == "sqlite":
        return make_installation("keys")
    cluster = request.getfixturevalue("postgres_cluster")
    return make_installation("keys-postgres", databases=cluster.databases_of_an_installation())


def keys_command(installation, tmp_path):
    """The command line of the security administrator."""
    who = program.signed_in(installation, tmp_path, "security-admin")
    return lambda *words, code=0: program.run_json("keys", *words, *who, code=code)


def packed(installation) -> dict:
    """The digest of each pack that is sealed."""
    packs = [path for replica in installation.replicas for path in (replica / "packs").rglob("*") if path.is_file()]
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in packs}


def test_keys_are_replaced_over_a_kill_and_every_image_opens(rotated_on, tmp_path):
    installation, office = rotated_on, rotated_on.office
    token = office.client_token("keys-gateway", "store", "search", "view")
    images = [part10.image(patient_id=f"rotated-{number % 5}") for number in range(STUDIES)]
    for image in images:
        Web(installation, token).must_store(part10.file_bytes(image))
    installation.restart()  # seals the packs
    office.sign_in_officers()
    before = packed(installation)
    assert before
    keys = keys_command(installation, tmp_path)
    status = keys("status")
    (kek,) = status["keks"]
    assert (kek["version"], kek["state"], kek["keys"]) == (1, "active", STUDIES + 5)
    assert (status["rotate_after_days"], status["rewrap"], status["keys_left"]) == (90, None, 0)

    assert keys("rotate", "--dry-run")["rotated"] == keys("rotate")["rotated"] == [
        {"grade": "L4", "suite": kek["suite"], "version_before": 1, "version": 2}
    ]
    late = part10.image(patient_id="rotated-late")
    Web(installation, token).must_store(part10.file_bytes(late))
    would = keys("rewrap", "--dry-run")
    assert (would["start"], would["keys_left"], would["destroys"][0]["version"]) == (None, STUDIES + 5, 1)
    assert keys("rewrap")["start"] == "begun"
    installation.kill()
    installation.start()
    office.sign_in_officers()

    keys = keys_command(installation, tmp_path)
    wait_until(lambda: keys("status")["rewrap"]["state"] == "done", "keys are wrapped again", 60, 0.3)
    status = keys("status")
    (kek,) = status["keks"]
    assert (kek["version"], kek["state"], kek["keys"]) == (2, "active", STUDIES + 5 + 2)
    assert (status["rewrap"]["keys_done"], status["keys_left"]) == (STUDIES + 5, 0)
    keys("rewrap", "--stop", code=1)
    web = Web(installation, token)
    for image in [*images, late]:
        assert part10.parse(web.file_of(image)) == image
    # No image byte was written again, on no replica.
    assert {path: digest for path, digest in packed(installation).items() if path in before} == before

    leaves = office.leaves(kind="administration", outcome="succeeded")
    told = [leaf["reason"] for leaf in reversed(leaves) if leaf["reason"].split("-")[-1] in ("kek", "rewrap")]
    assert told == ["rotate-kek", "begin-rewrap", "destroy-kek", "end-rewrap"]
    ended = next(leaf for leaf in leaves if leaf["reason"] == "end-rewrap")
    assert ended["counts"]["keys"] == STUDIES + 5
    assert office.metrics()["yingdun_rewrap_failures_total"] == 0
