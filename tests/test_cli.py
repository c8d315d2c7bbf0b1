"""The command line: an installation from nothing, judged, administrated and looked at without a browser."""

import os
import re
import sqlite3
import ssl
import subprocess

import pytest
import requests

from yingdun_testkit import program
from yingdun_testkit.administration import PASSWORD, SESSION_COOKIE, form_token
from yingdun_testkit.installation import DidNotStart


@pytest.fixture(scope="module")
def installation(make_installation):
    return make_installation("cli")


def test_a_dry_run_makes_nothing(tmp_path):
    folder = tmp_path / "new"
    planned = program.run_json("init", "--directory", folder, "--dry-run")
    assert planned["dry_run"] is True and str(folder / "yingdun.toml") in planned["would_make"]
    assert not folder.exists()


def test_wrong_words_are_a_usage_error():
    assert program.run("no-such-command").returncode == 2
    assert program.run("init").returncode == 2
    assert program.run("echo", "not-a-destination").returncode == 2


def test_a_fresh_installation_is_judged_sound_while_it_runs_and_while_it_does_not(installation):
    judged = program.run_json("check-config", "--config", installation.config)
    assert not [finding for finding in judged["findings"] if finding["severity"] == "error"]
    for _ in range(2):
        examined = program.run_json("doctor", "--config", installation.config, env=installation.environment())
        assert not [finding for finding in examined["findings"] if finding["severity"] == "error"], examined
        if installation.process:
            installation.stop()
    installation.start()
    installation.office.sign_in_officers()


def test_a_plain_door_beyond_this_machine_is_refused_unless_it_is_spelled_out(installation):
    exposed = {"YINGDUN__DICOM__PLAIN_LISTEN": "0.0.0.0:0"}
    judged = program.run_json("check-config", "--config", installation.config, code=1, env=exposed)
    errors = [finding for finding in judged["findings"] if finding["severity"] == "error"]
    assert [finding["option"] for finding in errors] == ["dicom.plain_listen"]
    assert errors[0]["cause"] and errors[0]["remedy"]
    served = program.run("serve", "--config", installation.config, env=exposed)
    assert served.returncode == 1


def test_a_damaged_installation_is_told_with_cause_and_remedy(make_installation):
    broken = make_installation("cli-broken", serve=False)
    passphrase = broken.directory / "keys" / "passphrase"
    passphrase.write_text("another one\n")
    examined = program.run_json("doctor", "--config", broken.config, code=1)
    errors = [finding for finding in examined["findings"] if finding["severity"] == "error"]
    assert errors and all(finding["cause"] and finding["remedy"] for finding in errors)
    with pytest.raises(DidNotStart):
        broken.start()


def test_people_rights_and_devices_are_administrated_from_the_command_line(installation, tmp_path):
    server = ["--server", installation.addresses.web, "--ca-file", installation.ca_file]
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    tokens = {}
    for office in ("system", "security", "audit"):
        tokens[office] = tmp_path / f"{office}.token"
        login = ["login", f"{office}-admin", "--password-file", password, "--token-file", tokens[office]]
        assert program.run(*login, *server).returncode == 0
        assert os.stat(tokens[office]).st_mode & 0o077 == 0

    def as_(office, *words, code=0):
        return program.run_json(*words, *server, "--token-file", tokens[office], code=code)

    invited = as_("system", "person", "add", "dr-cli")
    link = re.search(r"https://\S+/enrol/[\w-]+", str(invited)).group(0)
    accept = ["invitation", "accept", link, "--password-file", password]
    assert program.run(*accept, *server).returncode == 0
    as_("security", "role", "grant", "dr-cli", "clinician")
    assert "dr-cli" in str(as_("system", "person", "list"))
    as_("system", "role", "grant", "dr-cli", "chief", code=1)
    patient = tmp_path / "patient"
    patient.write_text("cli-1\n")
    as_("security", "care-relation", "add", "dr-cli", "--patient-id-file", patient, "--days", "1")
    as_("security", "care-relation", "end", "dr-cli", "--patient-id-file", patient)
    identity = installation.issue_certificate("CLI01")
    as_("system", "device", "add", "CLI01", "--certificate-file", identity["certificate_file"], "--address", "127.0.0.1")
    assert "CLI01" in str(as_("system", "device", "list"))
    client = as_("system", "client", "add", "cli-client")
    as_("security", "client", "grant", "cli-client", "search", "view")
    assert installation.office.client_credentials("cli-client", client["client_secret"]).status_code == 200
    assert as_("audit", "audit", "search", "--kind", "administration")
    as_("system", "audit", "tail", code=1)


def test_a_certificate_name_cannot_lead_elsewhere(installation):
    for name in ("../../evil", "a/b", "", ".hidden", "x" * 65):
        done = program.run("certificate", "issue", name, "--directory", installation.directory)
        assert done.returncode == 2, name


def test_the_link_of_the_demonstration_survives_a_preview_and_signs_in_with_one_click(tmp_path):
    folder = tmp_path / "demo"
    command = [program.binary(), "demo", "--directory", folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as demo:
        try:
            found = (re.search(r"https://\S+/login/[\w-]+", line) for line in demo.stdout)
            url = next(match.group(0) for match in found if match)
            browser = requests.Session()
            browser.verify, browser.trust_env = str(next(folder.rglob("ca.pem"))), False
            for _ in range(3):
                page = browser.get(url, timeout=30)
                assert page.status_code == 200 and SESSION_COOKIE not in browser.cookies
            assert page.text.count("<form") == page.text.count("<button") == 1
            pressed = browser.post(url, data={"form_token": form_token(page.text)}, timeout=30)
            studies = browser.get(url.rsplit("/login/", 1)[0] + "/studies", timeout=30)
            assert pressed.status_code == 200 and "<table>" in studies.text, studies.text
            again = browser.post(url, data={"form_token": form_token(browser.get(url, timeout=30).text)}, timeout=30)
            assert again.status_code == 401
        finally:
            demo.terminate()


def test_doctor_looks_and_changes_nothing(make_installation):
    older = make_installation("cli-older", serve=False)
    identity = older.directory / "db" / "identity.db"
    # As the release before left it: one step of the schema is pending.
    with sqlite3.connect(identity) as database:
        database.executescript(
            "DROP TABLE audit_review; DELETE FROM schema_migration WHERE version = 22"
        )
    database.close()

    def content():
        # The index of a write-ahead log (-shm) holds the marks of its readers and no data.
        return {path: path.read_bytes() for path in older.files() if not path.name.endswith("-shm")}

    before = content()
    examined = program.run_json("doctor", "--config", older.config)
    assert content() == before
    behind = [finding for finding in examined["findings"] if finding["option"] == "identity.database"]
    assert [finding["severity"] for finding in behind] == ["warning"] and "by 1 step" in behind[0]["cause"]
    older.start().stop()
    examined = program.run_json("doctor", "--config", older.config)
    assert not [finding for finding in examined["findings"] if finding["option"] == "identity.database"]


def test_everybody_changes_the_own_password_from_the_command_line(installation, tmp_path):
    office = installation.office
    server = ["--server", installation.addresses.web, "--ca-file", installation.ca_file]
    name = office.person("dr-new-password", "radiologist")
    other = office.api(office.sign_in(name))
    files = {word: tmp_path / word for word in ("present", "new", "short", "token")}
    files["present"].write_text(PASSWORD + "\n")
    files["new"].write_text("another long password\n")
    files["short"].write_text("short\n")
    login = ["login", name, "--password-file", files["present"], "--token-file", files["token"]]
    assert program.run(*login, *server).returncode == 0

    def change(present, new):
        words = ["password", "--password-file", files[present], "--new-password-file", files[new]]
        return program.run(*words, *server, "--token-file", files["token"]).returncode

    assert change("new", "present") == 1, "the present password is wrong"
    assert change("present", "short") == 1
    assert change("present", "new") == 0
    assert other.raw("GET", "/dicom-web/studies", prefix="").status_code == 401, "other sessions end"
    assert office.try_sign_in(name).status_code == 401
    assert office.try_sign_in(name, "another long password").status_code == 303
    assert change("new", "present") == 0, "the own session goes on"
    changes = office.leaves(kind="authentication", actor=name, outcome="permitted")
    assert sum(leaf["reason"] == "password-changed" for leaf in changes) == 2


def test_a_renewed_server_certificate_is_served_after_a_restart_to_the_same_clients(make_installation):
    installation = make_installation("cli-renewed")
    pki = installation.directory / "pki"
    before = {name: (pki / name).read_bytes() for name in ("server.pem", "server.key", "ca.pem")}
    for _ in range(2):
        renewed = program.run_json("certificate", "renew-server", "--directory", installation.directory)
        assert renewed["certificate_file"] == str(pki / "server.pem")
    assert os.stat(pki / "server.key").st_mode & 0o077 == 0
    after = {name: (pki / name).read_bytes() for name in before}
    assert after["ca.pem"] == before["ca.pem"]
    assert not {after["server.pem"], after["server.key"]} & set(before.values())
    assert (pki / "server.pem.previous").read_bytes() not in (before["server.pem"], after["server.pem"])
    assert not list(pki.glob("*.new*"))
    assert installation.office.try_sign_in("nobody").status_code == 401, "the running server goes on"
    installation.restart()
    installation.office.sign_in_officers()
    served = ssl.get_server_certificate(tuple(installation.addresses.web.removeprefix("https://").split(":")))
    assert served.split() == after["server.pem"].decode().split()
    examined = program.run_json("doctor", "--config", installation.config, env=installation.environment())
    assert not [finding for finding in examined["findings"] if finding["severity"] == "error"]
