"""Checkpoints of the audit log are stamped by a real time-stamping authority, and what is no stamp for them is not taken."""

import re
import shutil
from pathlib import Path

import pytest

from yingdun_testkit import program
from yingdun_testkit.installation import wait_until
from yingdun_testkit.stamping import Authority, stamps, wait_a_while

#: Seconds for something to come through on a loaded machine.
SECONDS_MAX = 120


def begin(make_installation, name, authority, **more):
    return make_installation(name, settings={**authority.settings(**more)})


def verify(installation, *certificates, directory=None, more=(), code=0) -> dict:
    return program.run_json(
        *["audit", "verify", directory or installation.audit_directory, "--public-key", installation.audit_key_file],
        *[part for certificate in certificates for part in ("--time-stamp-certificate", certificate)],
        *more,
        code=code,
    )


def metric(installation, name: str) -> float:
    return installation.office.metrics()[name]


def wait_for_stamps(installation, count: int) -> list:
    """Waits for so many stamps; writes leaves meanwhile, as a log that rests needs no other one."""

    def enough():
        installation.office.audit.get("/audit/tail", {"count": 1})
        return len(stamps(installation.audit_directory)) >= count

    wait_until(enough, f"{count} stamps", SECONDS_MAX, step=0.3)
    return stamps(installation.audit_directory)


@pytest.mark.parametrize(("key", "digest"), [("rsa", "sha256"), ("ec", "sha256"), ("rsa", "sha512")])
def test_checkpoints_are_stamped_and_anybody_can_check_it(make_installation, tmp_path, key, digest):
    with Authority(tmp_path, key=key, digest=digest) as authority:
        installation = begin(make_installation, f"stamps-{key}-{digest}", authority)
        kept = wait_for_stamps(installation, 3)
        assert metric(installation, "yingdun_time_stamps_total") >= 3
        assert metric(installation, "yingdun_time_stamp_clock_difference_seconds") < 60
        for stamp in kept:
            assert "OK" in authority.verify(stamp).stdout
        said = verify(installation, authority.certificate)
        assert said["ok"] and said["time_stamped"]["ok"] and said["time_stamped"]["stamps"] >= 3
        assert said["time_stamped"]["size"] >= int(kept[-1].stem)
        # Every request has a nonce of its own: none is the same as another.
        assert len(set(authority.requests)) == len(authority.requests)

        # A stamp that was changed.
        copy = tmp_path / "copy"
        shutil.copytree(installation.audit_directory, copy)
        changed = stamps(copy)[0]
        whole = changed.read_bytes()
        # In the time, in the signed attributes, in the signature; the certificates that come along count for nothing.
        for place in (re.search(rb"20\d{12}Z", whole).end() - 2, whole.rindex(bytes.fromhex("2a864886f70d010904")) + 14, len(whole) - 10):
            content = bytearray(whole)
            content[place] ^= 1
            changed.write_bytes(content)
            said = verify(installation, authority.certificate, directory=copy, code=1)
            assert not said["ok"] and said["time_stamped"]["bad"].startswith(f"time-stamp {changed.stem}"), place
        # A stamp beside another checkpoint.
        first, second, *_ = stamps(installation.audit_directory)
        shutil.copy(first, copy / "time-stamps" / first.name)
        shutil.copy(second.with_suffix(".checkpoint"), copy / "time-stamps" / first.with_suffix(".checkpoint").name)
        assert "something else" in verify(installation, authority.certificate, directory=copy, code=1)["time_stamped"]["bad"]
        assert authority.verify(copy / "time-stamps" / first.name, code=None).returncode != 0
        # A log that was set back: the stamps say that there was more.
        shutil.rmtree(copy / "time-stamps")
        shutil.copytree(installation.audit_directory / "time-stamps", copy / "time-stamps")
        behind = wait_for_stamps(installation, len(stamps(copy)) + 1)[-1]
        for end in (".tsr", ".checkpoint"):
            shutil.copy(behind.with_suffix(end), copy / "time-stamps" / behind.with_suffix(end).name)
        assert "set back" in verify(installation, authority.certificate, directory=copy, code=1)["first_bad"]
        # And none at all is none.
        shutil.rmtree(copy / "time-stamps")
        assert not verify(installation, authority.certificate, directory=copy, code=1)["time_stamped"]["ok"]


def test_what_answers_another_request_or_another_hash_is_not_taken(make_installation, tmp_path):
    with Authority(tmp_path) as authority:
        answers = []

        def replay(request, answer):
            answers.append(answer)
            return answers[0]

        authority.twist = replay
        installation = begin(make_installation, "stamps-replay", authority)
        wait_for_stamps(installation, 1)
        failures = lambda: (installation.office.audit.get("/audit/tail", {"count": 1}),
                            metric(installation, "yingdun_time_stamp_failures_total"))[1]
        wait_until(lambda: failures() >= 1, "a replayed answer is refused", SECONDS_MAX, step=0.3)
        assert len(stamps(installation.audit_directory)) == 1
        # The hash of now with the nonce of another request: what `openssl` signs for a request that was twisted on its way.
        twisted = []

        def other_nonce(request, _answer):
            changed = bytearray(request)
            # Its last byte; a BOOLEAN of three follows.
            changed[-4] ^= 1
            twisted.append(bytes(changed))
            return authority.reply(twisted[-1])

        authority.twist = other_nonce
        wait_until(lambda: (failures(), twisted)[1], "another request", SECONDS_MAX, step=0.3)
        wait_until(lambda: "its nonce is not ours" in installation.log_text(), "the nonce is told", SECONDS_MAX)
        assert "for something else" in installation.log_text()
        assert len(stamps(installation.audit_directory)) == 1


def test_another_certificate_is_not_taken_and_nothing_waits_while_the_authority_is_away(make_installation, tmp_path):
    with Authority(tmp_path) as authority, Authority(tmp_path, "another") as another:
        authority.twist = lambda request, _answer: another.reply(request)
        installation = begin(make_installation, "stamps-certificate", authority)
        wait_until(lambda: metric(installation, "yingdun_time_stamp_failures_total") >= 2, "refusals", SECONDS_MAX)
        assert "not signed with the configured certificate" in installation.log_text()
        # A refusal of the authority itself.
        authority.twist = lambda *_: bytes.fromhex("30053003020102")
        wait_until(lambda: "PKIStatus 2" in installation.log_text(), "a refusal is told", SECONDS_MAX)
        # It is away: leaves are written as ever, and somebody is told.
        authority.stop()
        wait_until(lambda: "does not answer" in installation.log_text(), "it is away", SECONDS_MAX)
        for _ in range(5):
            installation.office.audit.get("/audit/tail", {"count": 1})
        told = lambda: any(row["leaf"]["reason"] == "time-stamps-behind"
                           for row in installation.office.audit.get("/audit/tail", {"count": 100}))
        wait_until(told, "the leaf", SECONDS_MAX, step=0.5)
        ready = installation.office.browser().get(f"{installation.addresses.web}/health/ready", timeout=30).json()
        assert "time-stamps" in ready["attention"]
        assert stamps(installation.audit_directory) == []
        # It comes back.
        authority.twist = lambda _request, answer: answer
        authority.start()
        wait_for_stamps(installation, 1)
        said = verify(installation, authority.certificate)
        assert said["time_stamped"]["ok"]
        assert not verify(installation, another.certificate, code=1)["ok"]


def test_clocks_that_differ_are_told_and_a_time_beyond_the_certificate_is_refused(make_installation, tmp_path):
    found = list(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        pytest.skip("libfaketime is not installed")
    at = lambda offset: {"LD_PRELOAD": str(found[0]), "FAKETIME": offset}
    with Authority(tmp_path) as authority:
        authority.environment = at("+1h")
        installation = begin(make_installation, "stamps-clock", authority)
        wait_for_stamps(installation, 1)
        assert 3000 < metric(installation, "yingdun_time_stamp_clock_difference_seconds") < 4200
        leaf = lambda: [row for row in installation.office.audit.get("/audit/tail", {"count": 100})
                        if row["leaf"]["reason"] == "time-stamp-clocks-differ"]
        assert wait_until(leaf, "the leaf", SECONDS_MAX)[0]["leaf"]["counts"]["seconds"] > 3000
        count = len(stamps(installation.audit_directory))
        authority.environment = at("+400d")
        wait_a_while()
        count = len(stamps(installation.audit_directory))
        told = lambda: (installation.office.audit.get("/audit/tail", {"count": 1}),
                        "not valid at the moment" in installation.log_text())[1]
        wait_until(told, "the time is refused", SECONDS_MAX, step=0.5)
        assert len(stamps(installation.audit_directory)) == count


def test_a_new_stamp_does_not_hide_that_older_ones_were_removed(make_installation, tmp_path):
    with Authority(tmp_path) as authority:
        installation = begin(make_installation, "stamps-removed", authority)
        wait_for_stamps(installation, 4)
        copy = tmp_path / "copy"
        shutil.copytree(installation.audit_directory, copy)
        whole = verify(installation, authority.certificate, directory=copy, more=["--time-stamped-within", "1"])
        assert whole["ok"], whole
        *older, _newest = stamps(copy)
        for stamp in older:
            stamp.unlink()
        said = verify(installation, authority.certificate, directory=copy)
        assert said["time_stamped"]["longest_wait_ms"] > whole["time_stamped"]["longest_wait_ms"]
        assert said["time_stamped"]["longest_wait_record"] == 0
        within = ["--time-stamped-within", "0"]
        late = verify(installation, authority.certificate, directory=copy, more=within, code=1)
        assert not late["ok"] and not late["time_stamped"]["ok"] and late["time_stamped"]["bad"] is None


def test_stamps_from_before_and_after_a_change_of_the_certificate_are_both_good(make_installation, tmp_path):
    with Authority(tmp_path) as before, Authority(tmp_path, "after") as after:
        installation = begin(make_installation, "stamps-changed", before)
        count = len(wait_for_stamps(installation, 1))
        assert installation.stop() == 0
        count = len(stamps(installation.audit_directory))
        installation.settings |= after.settings()
        installation.start()
        for api in (installation.office.audit, installation.office.system):
            api.web = installation.addresses.web
        wait_for_stamps(installation, count + 1)
        for one in (before, after):
            said = verify(installation, one.certificate, code=1)
            assert "certificate" in said["time_stamped"]["bad"], said
        for both in ((before, after), (after, before)):
            said = verify(installation, *(authority.certificate for authority in both))
            assert said["ok"] and said["time_stamped"]["ok"] and said["time_stamped"]["stamps"] > count


@pytest.mark.parametrize("usage", ["timeStamping", "critical,timeStamping,serverAuth", "critical,codeSigning", ""])
def test_a_certificate_that_is_not_for_stamping_alone_is_refused_before_the_start(make_installation, tmp_path, usage):
    authority = Authority(tmp_path, usage=usage)
    authority.port = 1
    installation = make_installation(f"stamps-usage-{len(usage)}", serve=False)
    installation.settings |= authority.settings()
    said = program.run("check-config", "--config", installation.config, env=installation.environment())
    assert said.returncode != 0 and "time_stamps.certificate_file" in said.stdout + said.stderr
