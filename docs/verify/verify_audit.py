#!/usr/bin/env python3
"""Verify a Yingdun audit log from its files alone: offline, Python 3.9 or newer, standard library only.

    verify_audit.py DIRECTORY VERIFIER_KEY [VERIFIER_KEY] [--known-checkpoint FILE]

VERIFIER_KEY is the log's public key as `name+hash+key` (C2SP signed-note); the name is the origin of the log. An
Ed25519 key checks the SHA-256 tree, an SM2 key the SM3 tree (with sm2_sm3.py beside this file), both keys also that
the trees belong together.
Prints `OK ...` and exits with 0, or prints the first bad record or file and exits with 1; exits with 2 when
the question makes no sense. Written from the published formats (C2SP tlog-tiles, tlog-checkpoint, signed-note;
RFC 6962; RFC 8032) and the description of the journal, not from the program that writes the log.
"""
import argparse, base64, functools, hashlib, json, os, re, struct, sys

WIDTH, PAGE, SECTOR, BODY_MAX, BATCH_HEADER, SEGMENT_HEADER = 256, 4096, 512, 3 << 20, 64, 96

class Bad(Exception):
    """What is wrong with the log; the text names the record or the file."""

def need(holds, otherwise):
    if not holds:
        raise Bad(otherwise)

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()

# --- Ed25519 (RFC 8032, section 5.1; extended coordinates as in its section 6) ---------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def recover_x(y, sign):
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x

def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    w, x, y, z = f - e, d - c, d + c, f + e
    return (w * x % P, y * z % P, x * y % P, w * z % P)

def multiply(scalar, a):
    result = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            result = add(result, a)
        a, scalar = add(a, a), scalar >> 1
    return result

def decode_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    x = recover_x(y, sign)
    return None if x is None else (x, y, 1, x * y % P)

BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

@functools.lru_cache(maxsize=64)
def ed25519_verifies(key, message, signature):
    if len(signature) != 64:
        return False
    a, r, s = decode_point(key), decode_point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % Q
    left, right = multiply(s, BASE), add(r, multiply(h, a))
    return all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))

# --- signed notes and checkpoints -----------------------------------------------------------------------------

def unbase64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not canonical base64")
    return data

SM2_TYPE = b"\xffyingdun/sm2-sm3@v1"

class VerifierKey:
    """A public key, and with it the tree that it signs: where its files lie, and its hash."""

    def __init__(self, text):
        self.name, key_hash, key = text.split("+", 2)
        key = unbase64(key)
        self.id = sha256(self.name.encode(), b"\n", key)[:4]
        if self.id.hex() != key_hash or not self.name or re.search(r"\s", self.name):
            raise ValueError("not a verifier key")
        if key.startswith(SM2_TYPE):
            import sm2_sm3
            self.key, self.folder, self.hash = key[len(SM2_TYPE) :], "sm3/", sm2_sm3.sm3
            self.verifies = functools.lru_cache(maxsize=64)(sm2_sm3.sm2_verifies)
            well_formed = sm2_sm3.decode_public_key(self.key) is not None
        else:
            self.key, self.folder, self.hash, self.verifies = key[1:], "", sha256, ed25519_verifies
            well_formed = len(key) == 33 and key[0] == 1
        if not well_formed:
            raise ValueError("neither the Ed25519 nor the SM2 key of a log")

    def checkpoint(self, data):
        """Size and root of a checkpoint that this key has signed."""
        try:
            note = data.decode("utf-8")
            need(not any(ord(c) < 0x20 and c != "\n" for c in note), "checkpoint: control characters")
            text, lines = note[: note.rindex("\n\n") + 1], note[note.rindex("\n\n") + 2 :].split("\n")
            need(lines.pop() == "", "checkpoint: it does not end in a newline")
            signed = False
            for line in lines:
                dash, name, signature = line.split(" ")
                signature = unbase64(signature)
                need(dash == "\u2014" and len(signature) >= 5, "checkpoint: malformed signature line")
                if name == self.name and signature[:4] == self.id:
                    signed = self.verifies(self.key, text.encode(), signature[4:])
                    need(signed, "checkpoint: the signature does not fit")
            origin, size, root, end = text.split("\n")
            ours = signed and origin == self.name and not end and re.fullmatch("0|[1-9][0-9]{0,19}", size)
            need(ours and len(unbase64(root)) == 32, "checkpoint: not a signed checkpoint of this log")
            return int(size), unbase64(root)
        except ValueError as error:
            raise Bad(f"checkpoint: {error}")

# --- tiles ----------------------------------------------------------------------------------------------------

def tile_path(kind, number, width):
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.insert(0, f"x{number % 1000:03}")
    return "/".join([kind] + groups) + (f".p/{width}" if width < WIDTH else "")

def split(data, count):
    """At most `count` length-prefixed entries and the bytes they take."""
    entries, at = [], 0
    while len(entries) < count and at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if end > len(data):
            break
        entries.append(data[at + 2 : end])
        at = end
    return entries, at

def zero(data):
    return data == bytes(len(data))

def says(leaf):
    try:
        fields = json.loads(leaf)
        return "; it says: time {time_ms} ms, {actor_kind} {actor}, {kind} {outcome} ({reason})".format(**fields)
    except (ValueError, KeyError, TypeError):
        return ""

def detail_digest(leaf):
    found = re.search(rb',"detail_sha256":"([0-9a-f]{64})"}\Z', leaf)
    return found.group(1).decode() if found else None

class Tree:
    """A stack of full subtrees (RFC 6962); yields the hashes that belong into tiles."""

    def __init__(self, digest):
        self.stack, self.hash = [], digest

    def push(self, value):
        height = 0
        yield 0, value
        while self.stack and self.stack[-1][0] == height:
            value, height = self.hash(b"\1", self.stack.pop()[1], value), height + 1
            if height % 8 == 0:
                yield height // 8, value
        self.stack.append((height, value))

    def root(self):
        if not self.stack:
            return self.hash()
        value = self.stack[-1][1]
        for _, left in reversed(self.stack[:-1]):
            value = self.hash(b"\1", left, value)
        return value

class Verification:
    def __init__(self, directory, key, known=None):
        self.dir, self.key, self.known, self.size = directory, key, known, 0
        self.bad_leaf = self.bad_above = self.bad_tile = self.bad_form = self.bad_detail = self.bad_known = None
        self.details = self.removed = 0
        self.torn, self.covered = None, {}

    def read(self, path):
        with open(os.path.join(self.dir, path), "rb") as file:
            return file.read()

    def tile(self, kind, number, width):
        for path in (tile_path(kind, number, width), tile_path(kind, number, WIDTH)):
            try:
                return path, self.read(path)
            except OSError:
                pass
        return tile_path(kind, number, width), None

    def older_partials(self, kind, number, width, data):
        directory = tile_path(kind, number, WIDTH) + ".p"
        try:
            names = os.listdir(os.path.join(self.dir, directory))
        except OSError:
            return
        for older in (int(name) for name in names if name.isdecimal() and int(name) < width):
            framed = kind in ("tile/entries", "detail")
            entries, length = split(data, older) if framed else ([None] * older, older * 32)
            if len(entries) == older and self.read(tile_path(kind, number, older)) != data[:length]:
                path = tile_path(kind, number, older)
                self.bad_tile = self.bad_tile or f"{path}: it is not the beginning of the newer one"

    def tree(self, size, root):
        tree, tiles = Tree(self.key.hash), {}
        for number in range((size + WIDTH - 1) // WIDTH):
            start, width = number * WIDTH, min(WIDTH, size - number * WIDTH)
            path, data = self.tile("tile/entries", number, width)
            need(data is not None, self.bad_leaf or f"record {start}: its bundle is missing")
            self.older_partials("tile/entries", number, width, data)
            leaves, length = split(data, width)
            if length != len(data) and (width == WIDTH or ".p/" in path):
                self.bad_form = self.bad_form or f"{path}: it has more bytes than leaves"
            details = self.detail_bundle(number, width)
            for index in range(start, start + width):
                if index - start >= len(leaves):
                    raise Bad(self.bad_leaf or f"record {index}: it is missing or its length is wrong")
                leaf = leaves[index - start]
                for level, value in tree.push(self.key.hash(b"\0", leaf)):
                    self.tile_hash(tiles, size, level, (index + 1) // WIDTH**level - 1, value, index, leaf)
                if not leaf.startswith(b'{"version":1,"sequence":%d,' % index):
                    self.bad_form = self.bad_form or f"record {index}: it carries another number{says(leaf)}"
                self.detail(index, leaf, details[index - start] if details else b"")
                if self.covered.get(index, leaf) != leaf:
                    self.bad_form = self.bad_form or f"record {index}: the journal holds another one{says(leaf)}"
                if self.known and self.known[0] == index + 1 and self.known[1] != tree.root():
                    self.bad_known = f"remembered checkpoint of size {index + 1}: the log had another history"
        if tree.root() == root:
            bad = self.bad_tile or self.bad_form or self.bad_detail or self.bad_known
        else:
            bad = self.bad_leaf or self.bad_above or self.bad_tile or "checkpoint: it signs another root"
        need(not bad, bad)

    def tile_hash(self, tiles, size, level, number, value, index, leaf):
        kind, place = f"{self.key.folder}tile/{level}", number % WIDTH
        if place == 0:
            width = min(WIDTH, size // WIDTH**level - number)
            path, data = self.tile(kind, number // WIDTH, width)
            if data is None or len(data) != width * 32 and (".p/" in path or len(data) != WIDTH * 32):
                self.bad_tile = self.bad_tile or f"{path}: it is missing or has a wrong length"
                data = b""
            self.older_partials(kind, number // WIDTH, width, data)
            tiles[level] = path, data
        path, data = tiles[level]
        if data and data[place * 32 : place * 32 + 32] != value:
            self.bad_tile = self.bad_tile or f"{path}: hash {place} is not the one that the leaves give"
            if level == 0:
                self.bad_leaf = self.bad_leaf or f"record {index}: it is not the leaf that was logged{says(leaf)}"
            else:
                first = number * WIDTH**level
                last = first + WIDTH**level - 1
                self.bad_above = self.bad_above or f"records {first} to {last}: replaced together with their hashes"

    def detail_bundle(self, number, width):
        path, data = self.tile("detail", number, width)
        if data is None:
            return None
        self.older_partials("detail", number, width, data)
        details, length = split(data, width)
        if len(details) != width or (length != len(data) and (width == WIDTH or ".p/" in path)):
            index = number * WIDTH + len(details)
            self.bad_detail = self.bad_detail or f"detail of record {index}: it cannot be read from here on"
        return details + [b""] * (width - len(details))

    def detail(self, index, leaf, detail):
        expected = detail_digest(leaf)
        if expected and not detail:
            self.removed += 1
        elif detail and hashlib.sha256(detail).hexdigest() != expected:
            self.bad_detail = self.bad_detail or f"detail of record {index}: it is not the one that the leaf names"
        elif detail:
            self.details += 1

    # --- journal: segments of pages, batches on page boundaries, each digest over the one before ------------------

    def journal(self, size):
        """Reads the journal; returns the number after its last record and keeps what the tree covers too."""
        try:
            names = sorted(n for n in os.listdir(os.path.join(self.dir, "journal")) if n.endswith(".journal"))
        except OSError:
            names = []
        need(names, "journal: it is missing; records that were not signed yet may be lost")
        end = chain = last = damage = None
        for name in names:
            data, where = self.read("journal/" + name), f"journal/{name}"
            header = data[:SEGMENT_HEADER]
            whole = header[:16] == b"yingdun-journal1" and sha256(header[:64]) == header[64:]
            need(whole, f"{where}: its header is damaged")
            first, length = struct.unpack(">QQ", header[16:32])
            fits = length == len(data) and length % PAGE == 0 and zero(data[SEGMENT_HEADER:PAGE])
            need(fits, f"{where}: its length or its header page is wrong")
            # A segment of which a write or sync failed is given up; what stood in its last batch stands again in the next one.
            given_up = not damage and (first, header[32:64]) == last
            joins = first <= size if end is None else given_up or (first, header[32:64]) == (end, chain)
            need(joins, damage or f"{where}, record {size if end is None else end}: records are missing before it")
            end, chain, self.torn, offset, last, damage = first, header[32:64], None, PAGE, None, None
            while offset < len(data):
                before = (end, chain)
                try:
                    span, end, chain = self.batch(where, data, offset, end, chain, size)
                except Bad as error:
                    damage, span = str(error), 0
                if not span:
                    break
                offset, last = offset + span, before
        need(not damage, damage)
        need(end >= size, f"journal: it ends at {end}, before the signed size {size}")
        return end

    def batch(self, where, data, offset, end, chain, size):
        place = f"{where} at byte {offset}, record {end}"
        if zero(data[offset : offset + SECTOR]):
            longest = -(-(BATCH_HEADER + BODY_MAX) // PAGE) * PAGE
            need(zero(data[offset + longest :]), f"{place}: there are bytes behind the end of the journal")
            self.torn = None if zero(data[offset:]) else place
            return 0, end, chain
        head = data[offset : offset + 32]
        magic, first, count, length, check = struct.unpack(">8sQII8s", head)
        digest = data[offset + 32 : offset + BATCH_HEADER]
        stop = offset + BATCH_HEADER + length
        whole = sha256(head[:24])[:8] == check and magic == b"yd-batch" and first == end
        fits = 1 <= count <= 4096 and length <= BODY_MAX and stop <= len(data)
        need(whole and fits, f"{place}: the header of a batch is damaged")
        span = -(-(BATCH_HEADER + length) // PAGE) * PAGE
        need(zero(data[stop : offset + span]), f"{place}: there are bytes after the end of a batch")
        body = data[offset + BATCH_HEADER : stop]
        if sha256(chain, head, body) != digest:
            sectors = (data[at : min(at + SECTOR, stop)] for at in range(offset, stop, SECTOR))
            torn = any(map(zero, sectors)) and zero(data[offset + span :])
            need(torn, f"{place}: the records of a batch do not match its digest")
            self.torn = place
            return 0, end, chain
        at = 0
        for index in range(end, end + count):
            need(at + 4 <= len(body), f"{place}: the records of a batch do not fill it")
            leaf_length, detail_length = struct.unpack(">HH", body[at : at + 4])
            leaf = body[at + 4 : at + 4 + leaf_length]
            detail = body[at + 4 + leaf_length : at + 4 + leaf_length + detail_length]
            at += 4 + leaf_length + detail_length
            record = f"{where} at byte {offset}, record {index}"
            numbered = leaf.startswith(b'{"version":1,"sequence":%d,' % index) and says(leaf)
            need(numbered, f"{record}: it is no leaf or carries another number")
            found = hashlib.sha256(detail).hexdigest() if detail else None
            need(found == detail_digest(leaf), f"{record}: its detail is another one{says(leaf)}")
            if index < size:
                self.covered[index] = leaf
        need(at == len(body), f"{place}: the records of a batch do not fill it")
        return span, end + count, digest

    def run(self):
        """Returns a line of figures, or raises Bad."""
        try:
            size, root = self.key.checkpoint(self.read(self.key.folder + "checkpoint"))
        except OSError:
            raise Bad("checkpoint: it is missing or cannot be read")
        known_size, self.size = self.known[0] if self.known else 0, size
        need(known_size <= size, f"remembered checkpoint of size {known_size}: the log was set back to size {size}")
        journal_bad, end = None, size
        try:
            end = self.journal(size)
        except Bad as bad:
            journal_bad = bad
        self.tree(size, root)
        if journal_bad:
            raise journal_bad
        torn = f", dropped unacknowledged batch in {self.torn}" if self.torn else ""
        return (f"{size} signed records, {end - size} unsigned, {self.details} details, {self.removed} removed, "
                f"root {base64.b64encode(root).decode()}{torn}")

def main():
    parser = argparse.ArgumentParser(description="Verify a Yingdun audit log from its files alone.")
    parser.add_argument("directory")
    parser.add_argument("verifier_key", nargs="+", help="name+hash+key of a tree")
    parser.add_argument("--known-checkpoint", metavar="FILE", help="a checkpoint kept elsewhere")
    options = parser.parse_args()
    try:
        # A tree that is read later may only have grown.
        keys, known = sorted(map(VerifierKey, options.verifier_key), key=lambda key: key.folder), {}
        if options.known_checkpoint:
            with open(options.known_checkpoint, "rb") as file:
                known = remembered(file.read(), keys)
        os.listdir(options.directory)
    except (ValueError, ImportError, OSError, Bad) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    try:
        trees = [Verification(options.directory, key, known.get(key)) for key in keys]
        lines = [f"OK {tree.run()}" for tree in trees]
        for tree in trees:
            ends = f"{tree.key.folder}checkpoint: it ends at size {tree.size}, the SHA-256 tree at {trees[0].size}"
            need(tree.size >= trees[0].size, ends)
        print(*lines, sep="\n")
        return 0
    except (Bad, OSError) as bad:
        print("BAD", bad)
        return 1

def remembered(data, keys):
    """The checkpoint that was kept elsewhere, by the key that signed it."""
    for key in keys:
        try:
            return {key: key.checkpoint(data)}
        except Bad as bad:
            why = str(bad)
    raise Bad(why)

if __name__ == "__main__":
    sys.exit(main())
