"""People of a directory from outside: a real slapd, StartTLS and LDAPS, groups that move, and everything that must not work."""

import re
import socket
import threading
import time

import pytest

from yingdun_testkit import part10, program, slapd
from yingdun_testkit.administration import PASSWORD as LOCAL_PASSWORD
from yingdun_testkit.administration import REDIRECT, SESSION_COOKIE, Office
from yingdun_testkit.installation import wait_until
from yingdun_testkit.nats import free_ports
from yingdun_testkit.slapd import BASE, GROUPS, PASSWORD, PEOPLE, SERVICE, SERVICE_PASSWORD, Slapd, group
from yingdun_testkit.web import Web

LOOK_SECONDS = 5
#: Whoever left is out after a look, and what it takes to carry out what was seen.
LEFT_SECONDS_MAX = LOOK_SECONDS + 5.0
#: What a session that ended still reads.
STREAM_SECONDS_MAX = 5.0


def settings_of(installation, directory, **changes) -> dict:
    password = installation.directory / "directory-password"
    password.write_text(SERVICE_PASSWORD + "\n")
    password.chmod(0o600)
    roles = {"doctors": "clinician", "readers": "radiologist", "heads": "chief", "special": "specialist"}
    mapped = ", ".join(f'"{group(name)}" = "{role}"' for name, role in roles.items())
    return {
        "IDENTITY__LDAP__URL": directory.start_tls,
        "IDENTITY__LDAP__CA_FILE": str(installation.ca_file),
        "IDENTITY__LDAP__BIND_DN": SERVICE,
        "IDENTITY__LDAP__BIND_PASSWORD_FILE": str(password),
        "IDENTITY__LDAP__BASE": BASE,
        "IDENTITY__LDAP__DISABLED_FILTER": "(employeeType=disabled)",
        "IDENTITY__LDAP__ROLES": f"{{ {mapped} }}",
        "IDENTITY__LDAP__DEPARTMENTS": f'{{ "{group("surgeons")}" = "surgery" }}',
        "IDENTITY__LDAP__PROVISION": "true",
        "IDENTITY__LDAP__LOOK_SECONDS": str(LOOK_SECONDS),
        "IDENTITY__REQUIRE_SECOND_FACTOR_FOR": '["chief"]',
        **changes,
    }


class House:
    """An installation and its directory."""

    def __init__(self, make_installation, folder, name, **changes):
        self.installation = make_installation(name, serve=False)
        issued = self.installation.issue_certificate("directory", "127.0.0.1")
        self.directory = Slapd(folder, issued, self.installation.ca_file).start()
        self.installation.settings |= settings_of(self.installation, self.directory, **changes)
        self.installation.start()
        self.office = self.installation.office = Office(self.installation)

    def signed_in(self, name: str, role=None, password=PASSWORD):
        """The API with the session of somebody."""
        return self.office.api(self.office.sign_in(name, password, role))

    def refused(self, name: str, password=PASSWORD, role=None, status=401):
        answer = self.office.try_sign_in(name, password, role)
        assert answer.status_code == status, (answer.status_code, answer.text)
        assert SESSION_COOKIE not in answer.cookies
        return answer

    def refusals(self, reason: str) -> int:
        text = self.office.system.raw("GET", "/metrics", prefix="").text
        found = re.search(rf'yingdun_access_sign_ins_refused_total{{reason="{reason}"}} (\d+)', text)
        return int(found.group(1)) if found else 0

    def person(self, name: str):
        return next((row for row in self.office.system.get("/people") if row["name"] == name), None)

    def lives(self, api) -> bool:
        return api.raw("GET", "/me/sessions").status_code == 200

    def wait_out(self, api, what: str):
        wait_until(lambda: not self.lives(api), what, LEFT_SECONDS_MAX, step=0.5)

    def own_words(self, of="yingdun") -> list:
        return [leaf["reason"] for leaf in self.office.leaves(actor=of)]


@pytest.fixture(scope="module")
def house(make_installation, tmp_path_factory):
    slapd.require()
    house = House(make_installation, tmp_path_factory.mktemp("directory"), "ldap")
    yield house
    house.directory.stop()


@pytest.fixture
def quiet_house(make_installation, tmp_path):
    """One where nobody was refused yet: of many refusals from one address, the log counts the later ones only."""
    slapd.require()
    house = House(make_installation, tmp_path, "ldap-quiet")
    yield house
    house.directory.stop()


def test_a_person_of_the_directory_signs_in_and_is_somebody_here(house):
    house.directory.person("dr-li", "doctors", "bowling")
    api = house.signed_in("dr-li")
    state = api.get("/me/second-factor")
    assert (state["stage"], state["amr"]) == ("whole", ["pwd"])
    person = house.person("dr-li")
    assert (person["roles"], person["enrolled"]) == (["clinician"], False)
    leaves = house.office.leaves(actor="dr-li", kind="authentication")
    assert leaves[0]["reason"] == "ldap" and leaves[0]["role"] == "clinician"
    made = house.own_words()
    assert "provision-person" in made and "roles-from-directory" in made
    # A directory does not care for the case of letters: it is one person, with one account.
    house.signed_in("DR-LI")
    assert house.person("DR-LI") is None
    # The account is found by its subject, whatever the person is called later.
    house.directory.modify(f"dn: uid=dr-li,{PEOPLE}\nchangetype: modrdn\nnewrdn: uid=li-wei\ndeleteoldrdn: 1\n")
    house.signed_in("li-wei")
    assert house.person("li-wei") is None
    house.installation.verify_audit()


def test_an_empty_password_is_never_sent_and_a_wrong_one_refused(house):
    house.directory.person("empty", "doctors")

    def binds():
        return house.directory.folder.joinpath("slapd.log").read_text().count(f'BIND dn="uid=empty,{PEOPLE}" method')

    house.refused("empty", "")
    assert binds() == 0, "nobody was asked with an empty password"
    house.refused("empty", "wrong")
    assert binds() == 1
    assert house.person("empty") is None, "who has not signed in has no account"
    house.signed_in("empty")
    # Nor once there is an account.
    house.refused("empty", "")
    house.directory.person("unset", "doctors", password=None)
    house.refused("unset", "")
    house.refused("unset", "anything")


@pytest.mark.parametrize(
    "name", ["*", "*)(uid=*", "dr-*", "x)(|(uid=*", "\\2a", "(uid=*)", f"uid=inject,{PEOPLE}", "{name}"]
)
def test_a_name_is_a_value_and_never_a_filter(house, name):
    if not house.directory.groups.get("injected"):
        house.directory.person("inject", "doctors", "injected")
    before = house.refusals("unknown-account")
    house.refused(name)
    assert house.refusals("unknown-account") == before + 1


def test_two_entries_of_one_name_are_nobody(house):
    house.directory.person("twin", "doctors")
    house.directory.person("twin", "doctors", below=f"ou=others,{BASE}")
    house.refused("twin")
    assert house.refusals("several-entries-of-one-name") == 1 and house.person("twin") is None


def test_a_referral_is_not_followed(house):
    asked = []
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        while True:
            try:
                asked.append(listener.accept())
            except OSError:
                return

    threading.Thread(target=answer, daemon=True).start()
    port = listener.getsockname()[1]
    house.directory.modify(
        f"dn: ou=far,{PEOPLE}\nchangetype: add\nobjectClass: referral\nobjectClass: extensibleObject\nou: far\n"
        f"ref: ldap://127.0.0.1:{port}/ou=far\n"
    )
    house.refused("who-is-elsewhere")
    house.directory.person("near", "doctors")
    house.signed_in("near")
    listener.close()
    assert asked == [], "a password goes to the configured directory only"


def test_local_names_stay_local_and_those_of_the_directory_there(house):
    house.office.person("dr-wang", "radiologist")
    house.directory.person("dr-wang", "doctors")
    # Whoever is called so here signs in here, and the directory is not asked.
    house.refused("dr-wang", PASSWORD)
    house.refused("DR-WANG", PASSWORD)
    assert house.office.try_sign_in("dr-wang", LOCAL_PASSWORD).status_code == 303
    assert house.person("dr-wang")["roles"] == ["radiologist"] and house.person("DR-WANG") is None
    # Whoever belongs to the directory has no password here, and gets none.
    house.directory.person("there", "doctors")
    api = house.signed_in("there")
    refused = house.office.system.raw("POST", "/people/there/invitation")
    assert refused.status_code == 409 and "directory" in refused.text
    change = {"present": PASSWORD, "new": "another long password of mine"}
    assert api.raw("POST", "/me/password", change).status_code == 409
    # An account that the system administrator binds belongs to the directory from then on.
    subject = house.directory.person("li.si", "readers")
    house.office.person("li-si", "technician")
    local = house.office.api(house.office.sign_in("li-si"))
    house.office.system.put("/people/li-si/identity", {"subject": subject, "directory": "ldap"}, 204)
    assert not house.lives(local)
    house.refused("li-si", LOCAL_PASSWORD)
    bound = house.signed_in("li-si", "radiologist")
    assert bound.get("/me/sessions")[0]["role"] == "radiologist"
    assert house.lives(house.signed_in("li.si", "technician")), "the name of there leads to the same account"
    house.office.system.delete("/people/li-si/identity", 204)
    assert not house.lives(bound)
    assert house.person("li-si")["roles"] == ["technician"]


def test_an_account_is_not_made_beside_one_of_the_same_name(house):
    house.office.person("Zhao-Min", "radiologist")
    house.office.system.patch("/people/Zhao-Min", {"disabled": True}, 204)
    # Somebody whose entry is called so, but signs in by another attribute: known to the directory, and not to us.
    house.directory.person("zhao-min", "doctors")
    for name in ("zhao-min", "ZHAO-MIN"):
        house.refused(name)
    assert [row["name"] for row in house.office.system.get("/people") if row["name"].lower() == "zhao-min"] == ["Zhao-Min"]


def test_without_a_mapped_role_there_is_no_account_and_no_office_comes_from_there(house):
    house.directory.person("guest", "bowling")
    house.refused("guest")
    assert house.person("guest") is None and house.refusals("no-role-given") >= 1
    officer = house.office.names["security-administrator"]
    answer = house.office.system.raw("PUT", f"/people/{officer}/identity", {"subject": "intruder", "directory": "ldap"})
    assert answer.status_code == 409
    house.refused(officer, "wrong password of an officer")


def test_failures_are_counted_and_stop_the_right_password_too(quiet_house):
    house = quiet_house
    house.directory.person("guessed", "doctors")
    house.signed_in("guessed")
    for _ in range(5):
        house.refused("guessed", "wrong")
    house.refused("guessed")
    assert house.refusals("locked-out") == 1
    # Nor by another spelling, of which the directory knows the same person.
    house.refused("GUESSED")
    assert house.refusals("locked-out") == 2
    assert house.office.leaves(actor="guessed")[0]["reason"] == "locked-out"


def test_somebody_who_never_signed_in_is_not_guessed_without_end(house):
    house.directory.person("newcomer", "doctors")
    before = house.refusals("held-back")
    for spelling in ("newcomer", "Newcomer", "NEWCOMER", "newComer", "newcomeR", "nEwcomer", "newcoMer", "newcOmer"):
        house.refused(spelling, "wrong")
    assert house.refusals("held-back") > before, "all spellings are one person"
    assert house.person("newcomer") is None
    time.sleep(9)
    house.signed_in("newcomer")


def test_a_refusal_takes_as_long_for_every_name(house):
    house.directory.person("timed", "doctors")
    house.signed_in("timed")
    house.office.person("timed-here", "clinician")

    def seconds(name):
        began = time.monotonic()
        house.refused(name, "wrong")
        return time.monotonic() - began

    assert min(seconds(name) for name in ("timed", "timed-here", "nobody-at-all")) >= 0.5


def test_a_second_factor_is_asked_for_as_of_everybody(house):
    house.directory.person("head", "heads")
    answer = house.office.try_sign_in("head", PASSWORD)
    assert answer.status_code == 303 and answer.headers["location"] == "/second-factor"
    half = house.office.api(answer.cookies[SESSION_COOKIE])
    assert half.raw("GET", "/me/sessions").status_code == 401
    assert half.raw("POST", "/me/second-factor", {"password": "wrong"}).status_code == 403
    assert half.post("/me/second-factor", {"password": PASSWORD}, 200)["uri"].startswith("otpauth://totp/")


def test_who_is_disabled_or_gone_loses_sessions_with_the_next_look(house):
    stays = house.directory.person("stays", "doctors")
    assert stays
    house.directory.person("locked", "doctors")
    house.directory.person("leaver", "doctors")
    staying, locked, leaver = (house.signed_in(name) for name in ("stays", "locked", "leaver"))
    house.directory.disable("locked")
    house.directory.remove("leaver")
    house.wait_out(locked, "a session of somebody who is disabled")
    house.wait_out(leaver, "a session of somebody who is gone")
    assert house.lives(staying)
    assert house.own_words().count("left-directory") >= 2
    assert house.person("locked")["roles"] == []
    before = house.refusals("gone-from-directory")
    house.refused("locked")
    house.refused("leaver")
    assert house.refusals("gone-from-directory") == before + 2
    # A name that is given again is another person: the account is still that of the first.
    house.directory.person("leaver", "doctors")
    house.refused("leaver")
    house.directory.disable("locked", disabled=False)
    house.signed_in("locked")


def test_a_mover_has_the_roles_and_departments_of_the_groups_of_now(house):
    house.office.security.put("/departments/surgery", {"name": "外科 Surgery"}, 204)
    house.directory.person("mover", "doctors")
    clinician = house.signed_in("mover")
    house.office.security.put("/people/mover/roles/technician", None, 204)
    house.directory.move("mover", "readers", "surgeons")
    house.wait_out(clinician, "a session in a role that the groups give no more")
    assert sorted(house.person("mover")["roles"]) == ["radiologist", "technician"], "what an officer gave stays"
    answer = house.office.try_sign_in("mover", PASSWORD)
    assert answer.status_code == 400 and "radiologist" in answer.text and "technician" in answer.text
    radiologist = house.signed_in("mover", "radiologist")
    assert members(house, "surgery") == ["mover"]
    house.directory.move("mover", "readers")
    wait_until(lambda: members(house, "surgery") == [], "a membership that ended", LEFT_SECONDS_MAX, step=0.5)
    assert house.lives(radiologist)
    assert "departments-from-directory" in house.own_words()


def members(house, department: str) -> list:
    listed = house.office.security.get("/departments")
    return [row["name"] for row in listed["members"] if row.get("department") == department]


def test_an_open_stream_breaks_off_when_somebody_leaves(house, tokens):
    house.directory.person("streaming", "readers")
    token = house.office.sign_in("streaming", PASSWORD)
    gateway = Web(house.installation, tokens.client(house.installation, "store"))
    # More than sockets and buffers between us hold, so that most of it is asked for later.
    image = part10.image(patient_id="directory-stream", rows=6000, columns=6000)
    gateway.must_store(part10.file_bytes(image))
    slow = Web(house.installation, token).get(f"/studies/{image.StudyInstanceUID}", stream=True)
    pieces = slow.iter_content(64 << 10)
    read = len(next(pieces))
    house.directory.disable("streaming")
    time.sleep(LOOK_SECONDS + STREAM_SECONDS_MAX + 1)
    with pytest.raises(Exception) as broken:
        while True:
            read += len(next(pieces))
    assert not isinstance(broken.value, StopIteration) and read < 72_000_000, read


def test_a_viewer_of_somebody_who_leaves_is_out_too(house):
    house.office.system.post("/clients", {"client_id": "viewer", "redirect_uris": [REDIRECT], "confidential": False}, 201)
    house.directory.person("viewing", "readers", password=LOCAL_PASSWORD)
    granted = house.office.authorization_code("viewer", "viewing")
    api = house.office.api(granted["access_token"])
    assert house.lives(api)
    house.directory.disable("viewing")
    house.wait_out(api, "the session of a viewer")


def test_a_directory_that_is_away_ends_nothing_and_lets_nobody_new_in(house):
    house.directory.person("working", "doctors")
    house.office.person("of-here", "clinician")
    working = house.signed_in("working")
    house.directory.stop()
    try:
        answer = house.refused("working", status=503)
        assert "目录服务器暂时无法访问" in answer.text
        # An attempt that nobody answered is none: five of them stop nobody.
        for _ in range(6):
            house.refused("working", status=503)
        assert house.office.try_sign_in("of-here", LOCAL_PASSWORD).status_code == 303
        wait_until(
            lambda: "directory-unavailable" in house.own_words(), "a leaf of the look", LOOK_SECONDS * 3, step=1
        )
        assert house.lives(working)
        told = program.run_json("doctor", "--config", house.installation.config, code=1, env=environment(house))
        assert "identity.ldap.url" in options(told)
    finally:
        house.directory.start()
    house.signed_in("working")
    wait_until(lambda: "directory-available" in house.own_words(), "a leaf of its return", LOOK_SECONDS * 3, step=1)
    house.directory.freeze(True)
    try:
        began = time.monotonic()
        house.refused("working", status=503)
        assert time.monotonic() - began < 12, "a directory that hangs is given up"
        assert house.lives(working)
    finally:
        house.directory.freeze(False)


# === what the configuration may say ===


def environment(house, **changes) -> dict:
    settings = {**house.installation.settings, **changes}
    return {f"YINGDUN__{name}": value for name, value in settings.items()}


def options(told: dict) -> list:
    return [finding["option"] for finding in told["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize(
    "option,change",
    [
        ("identity.ldap.bind_dn", {"BIND_DN": f"cn=nobody,{BASE}"}),
        ("identity.ldap.base", {"BASE": f"ou=missing,{BASE}"}),
        ("identity.ldap.filter", {"BASE": f"ou=nobody,{BASE}"}),
        ("identity.ldap.disabled_filter", {"DISABLED_FILTER": "(noSuchAttribute=*)"}),
        ("identity.ldap.subject_attribute", {"SUBJECT_ATTRIBUTE": "employeeNumber"}),
        ("identity.ldap.url", {"URL": "ldaps://127.0.0.1:1"}),
    ],
    ids=["bind", "base", "nobody", "disabled", "subject", "unreachable"],
)
def test_doctor_says_what_is_wrong(house, option, change):
    house.directory.person(f"seen-{option.rsplit('.')[-1]}-{len(change)}-{time.monotonic_ns()}", "doctors")
    changes = {f"IDENTITY__LDAP__{name}": value for name, value in change.items()}
    told = program.run_json("doctor", "--config", house.installation.config, code=1, env=environment(house, **changes))
    assert options(told) == [option], told


def test_doctor_is_content_with_both_ways_of_tls(house):
    for url in (house.directory.start_tls, house.directory.ldaps):
        told = program.run_json(
            "doctor", "--config", house.installation.config, env=environment(house, IDENTITY__LDAP__URL=url)
        )
        assert options(told) == [], told


def test_another_authority_and_a_server_without_tls_are_refused(house, make_installation, tmp_path):
    stranger = make_installation("ldap-stranger", serve=False)
    for url in (house.directory.start_tls, house.directory.ldaps):
        changes = {"IDENTITY__LDAP__URL": url, "IDENTITY__LDAP__CA_FILE": str(stranger.ca_file)}
        told = program.run_json("doctor", "--config", house.installation.config, code=1, env=environment(house, **changes))
        assert options(told) == ["identity.ldap.ca_file"], told
    (tmp_path / "plain").mkdir()
    plain = Slapd(tmp_path / "plain").start()
    try:
        changes = {"IDENTITY__LDAP__URL": plain.start_tls}
        told = program.run_json("doctor", "--config", house.installation.config, code=1, env=environment(house, **changes))
        assert options(told) == ["identity.ldap.url"] and "StartTLS" in str(told)
        log = (tmp_path / "plain" / "slapd.log").read_text()
        assert f'BIND dn="{SERVICE}"' not in log, "nothing was said to it without TLS"
    finally:
        plain.stop()


def test_the_configuration_has_no_way_without_tls(house):
    for url in ("ldapi:///run/slapd/ldapi", "ldap+plain://127.0.0.1", "127.0.0.1:389"):
        told = program.run_json(
            "check-config", "--config", house.installation.config, code=1, env=environment(house, IDENTITY__LDAP__URL=url)
        )
        assert "identity.ldap.url" in str(told), told
    path = house.installation.directory / "directory-password"
    path.chmod(0o644)
    try:
        told = program.run_json("check-config", "--config", house.installation.config, code=1, env=environment(house))
        assert "identity.ldap.bind_password_file" in str(told)
    finally:
        path.chmod(0o600)


def test_groups_are_searched_and_accounts_made_only_where_that_is_configured(make_installation, tmp_path_factory):
    """LDAPS, groups by a search, no provisioning."""
    slapd.require()
    port = free_ports(1)[0]
    house = House(make_installation, tmp_path_factory.mktemp("searched"), "ldap-searched", WEB__LISTEN=f"127.0.0.1:{port}")
    try:
        house.installation.settings |= {
            "IDENTITY__LDAP__URL": house.directory.ldaps,
            "IDENTITY__LDAP__PROVISION": "false",
            "IDENTITY__LDAP__GROUP_BASE": GROUPS,
            "IDENTITY__LDAP__GROUP_FILTER": "(member={dn})",
        }
        house.installation.restart()
        house.office.sign_in_officers()
        subject = house.directory.person("dr-sun", "doctors")
        house.refused("dr-sun")
        assert house.refusals("identity-not-bound") == 1 and house.person("dr-sun") is None
        house.office.system.post("/people", {"name": "sun"}, 201)
        house.office.system.put("/people/sun/identity", {"subject": subject}, 204)
        api = house.signed_in("dr-sun")
        assert house.person("sun")["roles"] == ["clinician"]
        house.directory.move("dr-sun", "readers")
        house.wait_out(api, "a session in a role of before")
    finally:
        house.directory.stop()


def test_an_entry_that_cannot_be_used_keeps_nobody_in(make_installation, tmp_path_factory):
    """Whoever is looked up beside an entry of which nobody knows whose it is."""
    slapd.require()
    subject = {"IDENTITY__LDAP__SUBJECT_ATTRIBUTE": "ou", "WEB__LISTEN": f"127.0.0.1:{free_ports(1)[0]}"}
    house = House(make_installation, tmp_path_factory.mktemp("unusable"), "ldap-unusable", **subject)
    try:
        names = ["stays", "leaver", "unusable"]
        for number, name in enumerate(names):
            house.directory.person(name, "doctors", ou=f"subject-{number}")
        staying, leaver, unusable = (house.signed_in(name) for name in names)
        house.directory.modify(f"dn: uid=unusable,{PEOPLE}\nchangetype: modify\nadd: ou\nou: another\n")
        house.directory.remove("leaver")
        house.wait_out(leaver, "a session of somebody who is gone")
        house.wait_out(unusable, "a session of which nobody knows whose it is")
        assert house.lives(staying)
        # Where no entry can be used it is not the entries: nobody is put out for what was configured.
        house.directory.modify(f"dn: uid=stays,{PEOPLE}\nchangetype: modify\nadd: ou\nou: one more\n")
        time.sleep(2 * LOOK_SECONDS)
        assert house.lives(staying)
    finally:
        house.directory.stop()
