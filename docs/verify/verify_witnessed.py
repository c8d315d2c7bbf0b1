#!/usr/bin/env python3
"""Verify a cosigned checkpoint under a witness policy: offline, Python 3.9 or newer, with the package `cryptography`.

    verify_witnessed.py CHECKPOINT_FILE LOG_KEY POLICY_FILE

CHECKPOINT_FILE is `audit/witnessed` of an archive, or what a witness gives under /<SHA-256 of origin>/checkpoint; LOG_KEY is
the public key of the log (`name+hash+key`); POLICY_FILE says whose cosignatures count. Prints `OK ...` and a line for each
witness and exits with 0, or says what is wrong and exits with 1. Whether a log continues this checkpoint is told by
verify_audit.py --known-checkpoint. Written from C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-policy, not from
the program that writes the log.
"""
import base64, hashlib, re, sys, time
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG, COSIGNER = 1, 4


class Bad(Exception):
    """What is wrong."""


def need(holds, otherwise):
    if not holds:
        raise Bad(otherwise)


class Key:
    """A verifier key: name, id and Ed25519 key of a signature type."""

    def __init__(self, text, kind):
        parts = text.split("+", 2)
        need(len(parts) == 3, f"not a verifier key: {text}")
        self.name, key = parts[0], base64.b64decode(parts[2], validate=True)
        self.id = hashlib.sha256(self.name.encode() + b"\n" + key).digest()[:4]
        need(self.name and not re.search(r"\s", self.name) and self.id.hex() == parts[1], f"its hash does not fit: {text}")
        need(len(key) == 33 and key[0] == kind, f"not a key of type {kind}: {text}")
        self.raw = key[1:]

    def verifies(self, message, signature):
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
            return True
        except InvalidSignature:
            return False


def parse_note(note):
    """The text of a signed note, and its signatures as (name, id, bytes)."""
    need(not any(ord(c) < 0x20 and c != "\n" for c in note) and "\n\n" in note, "it is no signed note")
    split = note.rindex("\n\n")
    text, lines = note[: split + 1], note[split + 2 :].split("\n")
    need(lines.pop() == "" and lines, "it does not end in signature lines")
    signatures = []
    for line in lines:
        found = re.fullmatch("\u2014 ([^ ]+) ([A-Za-z0-9+/=]+)", line)
        need(found, f"malformed signature line: {line}")
        data = base64.b64decode(found[2], validate=True)
        need(len(data) > 4, f"short signature line: {line}")
        signatures.append((found[1], data[:4], data[4:]))
    return text, signatures


def parse_policy(text):
    """Keys of logs, keys of witnesses by name, and the rule as a function of the names that have seen it."""
    logs, witnesses, rules, quorum = [], {}, {}, None
    for line in text.split("\n"):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "log":
            logs.append(words[1])
        elif words[0] == "witness":
            witnesses[words[1]] = Key(words[2], COSIGNER)
            rules[words[1]] = lambda seen, name=words[1]: name in seen
        elif words[0] == "group":
            members = [rules[name] for name in words[3:]]
            least = {"any": 1, "all": len(members)}.get(words[2]) or int(words[2])
            need(1 <= least <= len(members), f"no such group can be: {line}")
            rules[words[1]] = lambda seen, least=least, members=members: sum(rule(seen) for rule in members) >= least
        elif words[0] == "quorum":
            need(quorum is None and words[1] != "none", "one quorum line, and not `none`")
            quorum = rules[words[1]]
        else:
            raise Bad(f"not a line of a policy: {line}")
    need(quorum, "the policy has no quorum line")
    return logs, witnesses, quorum


def main(arguments):
    if len(arguments) != 3:
        print(__doc__)
        return 2
    note = open(arguments[0], encoding="utf-8", newline="").read()
    logs, witnesses, quorum = parse_policy(open(arguments[2], encoding="utf-8").read())
    need(not logs or arguments[1] in logs, "the policy names other logs")
    log = Key(arguments[1], LOG)
    text, signatures = parse_note(note)
    lines = text.split("\n")
    need(len(lines) >= 4 and lines[0] == log.name and str(int(lines[1])) == lines[1], "it is no checkpoint of this log")
    need(len(base64.b64decode(lines[2], validate=True)) == 32, "its root is not 32 bytes long")
    of_log = [data for name, key_id, data in signatures if (name, key_id) == (log.name, log.id)]
    need(of_log and all(log.verifies(text.encode(), data) for data in of_log), "the log has not signed it")
    seen = {}
    for name, key in witnesses.items():
        for _, _, data in (line for line in signatures if line[:2] == (key.name, key.id)):
            at = int.from_bytes(data[:8], "big")
            message = f"cosignature/v1\ntime {at}\n{text}".encode()
            need(0 < at < 2**63 and key.verifies(message, data[8:]), f"witness {name}: its cosignature does not verify")
            seen[name] = max(at, seen.get(name, 0))
    need(quorum(set(seen)), f"not enough witnesses have seen it, only {sorted(seen)}")
    print(f"OK size {lines[1]}, root {lines[2]}")
    for name, at in seen.items():
        print(f"{name} at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(at))}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (Bad, ValueError, KeyError, IndexError, OSError) as error:
        print(f"BAD {error}")
        sys.exit(1)
