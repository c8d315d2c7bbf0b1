// Proofs against a log that a running archive has written (tlog.vectors.json), and against trees that are computed here in the plainest way.
import { expect, test } from "vitest";
import { base64, hex, same, utf8, type Bytes } from "./bytes";
import { cursorBefore, fingerprint, readKey, readNote } from "./note";
import { climb, isBroken, isProved, leafHash, nodeHash, readProof, turnsOf, verify, type Proof } from "./tlog";
import vectors from "./tlog.vectors.json";

const key = (await readKey(vectors.key))!;
const proofOf = (text: string): Proof => readProof(text)!;

test.each(vectors.proofs)("a proof of a running archive holds: $leafHash", async ({ leaf, leafHash: listed, proof }) => {
  const found = await verify(utf8(leaf), proofOf(proof), bytesOfHex(listed), key);
  expect([found.leafAsListed, found.pathFits, found.rootIsSigned, found.signature]).toEqual([true, true, true, "fits"]);
  expect(isProved(found)).toBe(true);
  expect(isBroken(found)).toBe(false);
});

test("each bit that is flipped in a leaf, a sibling, the root or the signature is noticed, and at the step where it is", async () => {
  const { leaf, leafHash: listed, proof } = vectors.proofs[3]!;
  const bytes = utf8(leaf);
  for (let bit = 0; bit < bytes.length * 8; bit += 61) {
    const found = await verify(flipped(bytes, bit), proofOf(proof), bytesOfHex(listed), key);
    expect([found.leafAsListed, found.rootIsSigned, isProved(found)]).toEqual([false, false, false]);
  }
  for (const place of proofOf(proof).path.keys()) {
    const changed = proofOf(proof);
    changed.path[place] = flipped(changed.path[place]!, 100);
    const found = await verify(bytes, changed, bytesOfHex(listed), key);
    expect([found.leafAsListed, found.pathFits, found.rootIsSigned, found.signature]).toEqual([true, true, false, "fits"]);
    expect(isBroken(found)).toBe(true);
  }
  const { path, checkpoint } = proofOf(proof);
  const forged = proof.replace(base64(checkpoint.root), base64(flipped(checkpoint.root, 7)));
  expect((await verify(bytes, proofOf(forged), null, key)).signature).toBe("wrong");
  const short = await verify(bytes, { ...proofOf(proof), path: path.slice(1) }, null, key);
  expect([short.pathFits, isProved(short)]).toEqual([false, false]);
  const other = await verify(bytes, { ...proofOf(proof), index: proofOf(proof).index + 1 }, null, key);
  expect(isProved(other)).toBe(false);
});

test("without a key nothing is proved, and nothing is broken", async () => {
  const { leaf, proof } = vectors.proofs[0]!;
  const found = await verify(utf8(leaf), proofOf(proof), null, null);
  expect([found.signature, isProved(found), isBroken(found)]).toEqual(["no-key", false, false]);
  const renamed = { ...key, name: "another/log" };
  expect((await verify(utf8(leaf), proofOf(proof), null, renamed)).signature).toBe("other-log");
  const stranger = (await verify(utf8(leaf), proofOf(proof), null, { ...key, keyId: "00000000" })).signature;
  expect(stranger).toBe("none");
});

test("every path of every tree of up to 40 leaves climbs to its root, and says what its siblings cover", async () => {
  const leaves = Array.from({ length: 40 }, (_, number) => utf8(`leaf ${number}`));
  const hashes = await Promise.all(leaves.map(leafHash));
  for (let size = 1; size <= leaves.length; size += 1) {
    const root = await rootOf(hashes.slice(0, size));
    for (let index = 0; index < size; index += 1) {
      const turns = turnsOf(index, size);
      const path = await Promise.all(turns.map(({ siblingLeaves: [from, to] }) => rootOf(hashes.slice(from, to))));
      const climbed = await climb(leaves[index]!, index, size, path);
      expect(same(climbed.root, root) && climbed.fitsSize).toBe(true);
      const last = climbed.levels.at(-1);
      if (last) expect([Math.min(last.nodeLeaves[0], last.siblingLeaves[0]), Math.max(last.nodeLeaves[1], last.siblingLeaves[1])]).toEqual([0, size]);
    }
  }
});

test("the roots of RFC 6962 come out as its implementers have them", async () => {
  const inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  const hashes = await Promise.all(inputs.map((text) => leafHash(bytesOfHex(text))));
  expect(hex(await rootOf(hashes.slice(0, 1)))).toBe("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  expect(hex(await rootOf(hashes))).toBe("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
});

test("what has another form is no proof, no note and no key", async () => {
  const { proof } = vectors.proofs[0]!;
  for (const wrong of ["", proof.replace("@v1", "@v2"), proof.replace("index 0", "index 00"), proof.replace("index 0", "index -1")]) {
    expect(readProof(wrong)).toBeNull();
  }
  expect(readNote("a\n\n\u2014 a b\n")).toBeNull();
  expect(readNote("no signature\n")).toBeNull();
  expect(await readKey(vectors.key.replace("+7", "+8"))).toBeNull();
  expect(await readKey("a+b")).toBeNull();
  expect(readProof(proof.replace("index 0\n", "extra aGk=\nindex 0\n"))?.index).toBe(0);
  expect(await fingerprint(key)).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
  expect(await cursorBefore("renmin/audit", 7)).toBe("before-7-in-15b6b2c931e5f529");
});

// === helpers ===

/** MTH of RFC 6962 §2.1, as it is written there. */
async function rootOf(hashes: Bytes[]): Promise<Bytes> {
  if (hashes.length === 1) return hashes[0]!;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(await rootOf(hashes.slice(0, split)), await rootOf(hashes.slice(split)));
}

function flipped(bytes: Bytes, bit: number): Bytes {
  const changed = bytes.slice();
  changed[bit >> 3]! ^= 1 << (bit & 7);
  return changed;
}

function bytesOfHex(text: string): Bytes {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}
