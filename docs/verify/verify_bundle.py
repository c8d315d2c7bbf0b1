#!/usr/bin/env python3
"""Verify an evidence bundle of a Yingdun audit log: offline, Python 3.9 or newer, standard library only.

    verify_bundle.py BUNDLE LOG_KEY

BUNDLE is the zip file, or the folder that it was unpacked to; LOG_KEY is the public key of the log as `name+hash+key`, had from
somewhere else than the bundle. verify_audit.py lies beside this file. Prints `OK ...` and exits with 0, or says what is wrong and exits
with 1. It checks the manifest, each leaf by its proof up to the one signed checkpoint, that the leaves are those that bundle.json names,
the policy set by its digest, and that the checkpoint continues what was witnessed. It does not judge cosignatures (verify_witnessed.py does)
nor make report.html again: read the leaves. Written from C2SP tlog-proof, tlog-checkpoint and RFC 6962, not from the program.
"""
import base64, hashlib, json, os, re, sys, zipfile
from verify_audit import Bad, VerifierKey, need, sha256

FILES_MAX, FILE_BYTES_MAX = 2500, 4 << 20


def node(left, right):
    return sha256(b"\x01", left, right)


def read(path):
    """The files of a bundle by name; nothing is written."""
    files = {}
    if os.path.isdir(path):
        for folder, _, names in os.walk(path):
            for name in names:
                if folder == path and name.endswith(".pyc") or os.path.basename(folder) == "__pycache__":
                    continue
                full = os.path.join(folder, name)
                with open(full, "rb") as file:
                    files[os.path.relpath(full, path).replace(os.sep, "/")] = file.read(FILE_BYTES_MAX + 1)
    else:
        with zipfile.ZipFile(path) as bundle:
            need(len(bundle.infolist()) <= FILES_MAX, "it has too many files")
            for entry in bundle.infolist():
                need(entry.filename not in files, f"{entry.filename}: it is there twice")
                with bundle.open(entry) as file:
                    files[entry.filename] = file.read(FILE_BYTES_MAX + 1)
    need(len(files) <= FILES_MAX, "it has too many files")
    need(all(len(data) <= FILE_BYTES_MAX for data in files.values()), "a file is too long")
    return files


def hashes(lines):
    found = [base64.b64decode(line, validate=True) for line in lines]
    need(all(len(value) == 32 for value in found) and len(found) <= 128, "a proof has hashes of another length")
    return found


def root_of_inclusion(index, size, value, path):
    """RFC 9162, section 2.1.3.2, which is that of RFC 6962 written out."""
    need(index < size, "the leaf is behind the checkpoint")
    number, last = index, size - 1
    for other in path:
        need(last > 0, "the proof is too long")
        if number & 1 or number == last:
            value = node(other, value)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            value = node(value, other)
        number, last = number >> 1, last >> 1
    need(last == 0, "the proof is too short")
    return value


def consistent(old, old_root, new, new_root, path):
    """RFC 9162, section 2.1.4.2."""
    need(0 < old <= new, "the witnessed checkpoint is not older")
    if old == new:
        return not path and old_root == new_root
    if old & (old - 1) == 0:
        path = [old_root] + path
    need(path, "the consistency proof is empty")
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node(other, first), node(other, second)
            while not number & 1 and number:
                number, last = number >> 1, last >> 1
        else:
            second = node(second, other)
        number, last = number >> 1, last >> 1
    return last == 0 and (first, second) == (old_root, new_root)


def proved(files, index, key, checkpoint, size, root):
    """The leaf of this number, which its proof shows to be in the log."""
    name = f"leaves/{index:012}.json"
    leaf, proof = files[name], files[f"proofs/{index:012}.tlog-proof"].decode()
    head, note = proof.split("\n\n", 1)
    lines = head.split("\n")
    need(lines[0] == "c2sp.org/tlog-proof@v1" and lines[1] == f"index {index}", f"{name}: its proof is of another leaf")
    need(note.encode() == checkpoint, f"{name}: its proof is under another checkpoint")
    found = root_of_inclusion(index, size, sha256(b"\x00", leaf), hashes(lines[2:]))
    need(found == root, f"{name}: it is not the leaf that was logged")
    fields = json.loads(leaf)
    need(fields["sequence"] == index, f"{name}: it carries another number")
    return fields


def verify(files, key_text):
    manifest = "".join(
        f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files) if name != "MANIFEST"
    )
    said, found = files["MANIFEST"].decode().splitlines(), manifest.splitlines()
    wrong = sorted({line[66:] for line in set(said) ^ set(found)})
    need(not wrong, f"not what MANIFEST says: {', '.join(wrong)}")
    need(files["MANIFEST"].decode() == manifest, "MANIFEST is not in the form that it has to have")
    key, facts = VerifierKey(key_text), json.loads(files["bundle.json"])
    need(facts["format"] == "yingdun/evidence-bundle@v1", "bundle.json: another format")
    need(files["log.vkey"].decode().strip() == key_text, "log.vkey: it is not the key that was given")
    size, root = key.checkpoint(files["checkpoint"])
    about, numbers = facts["about"], facts["leaves"]
    need(numbers == sorted(set(numbers), reverse=True), "bundle.json: its leaves are not in order")
    for index in numbers:
        leaf = proved(files, index, key, files["checkpoint"], size, root)
        fits = all(about[name] in (None, leaf.get(name)) for name in ("institution", "study", "patient", "actor"))
        since, until = about["from_ms"], about["until_ms"]
        fits = fits and (since is None or leaf["time_ms"] >= since) and (until is None or leaf["time_ms"] < until)
        need(fits, f"leaf {index}: it is not about what was asked for")
    named = {f"leaves/{i:012}.json" for i in numbers} | {f"proofs/{i:012}.tlog-proof" for i in numbers}
    there = {name for name in files if re.match("(leaves|proofs)/", name)}
    need(there == named, f"bundle.json does not name {', '.join(sorted(there ^ named))}")
    count = facts["found"]
    if count and count["is_exact"] and facts["next"] is None:
        need(count["leaves"] == len(numbers), f"{count['leaves']} leaves were found and {len(numbers)} are here")
    digest = hashlib.sha256()
    for name in sorted(name for name in files if name.startswith("policy/")):
        for part in (name[len("policy/") :].encode(), files[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    need(digest.hexdigest() == facts["policy_set"], "policy/: it is not the policy set that bundle.json names")
    witnessed = ""
    if "witnessed" in files or "witnessed-consistency" in files:
        # The lines of witnesses are looked at by verify_witnessed.py; here the log's own.
        seen, seen_root = key.checkpoint(files["witnessed"])
        path = hashes(files["witnessed-consistency"].decode().split())
        need(consistent(seen, seen_root, size, root, path), "witnessed: the checkpoint does not continue it")
        witnessed = f", continues {seen} witnessed"
    more = "; there are more that fit" if facts["next"] else ""
    return f"{len(numbers)} leaves of {size}, root {base64.b64encode(root).decode()}{witnessed}{more}"


def main(arguments):
    if len(arguments) != 2:
        print(__doc__)
        return 2
    try:
        print(f"OK {verify(read(arguments[0]), arguments[1].strip())}")
        return 0
    except KeyError as error:
        print(f"BAD it is missing: {error}")
    except (Bad, ValueError, IndexError, TypeError, OSError, zipfile.BadZipFile) as error:
        print(f"BAD {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
