import { expect, test } from "vitest";
import { utf8 } from "../../../lib/bytes";
import { readKey } from "../../../lib/note";
import { climb, isBroken, readProof, verify } from "../../../lib/tlog";
import vectors from "../../../lib/tlog.vectors.json";
import { CARD, layout, NODE } from "./layout";
import { firstBroken, stepsOf } from "./steps";
import { anyBit, around, bitsOf, tampered, type Part } from "./tamper";

const { leaf: text, proof: proofText } = vectors.proofs[3]!;
const leaf = utf8(text);
const proof = readProof(proofText)!;
const key = await readKey(vectors.key);
const untouched = await climb(leaf, proof.index, proof.checkpoint.size, proof.path);

test.each([
  ["record", 0, "leaf"],
  ["sibling", 0, "merge"],
  ["sibling", 5, "merge"],
  ["root", 0, "root"],
  ["signature", 0, "signature"],
] as [Part, number, string][])("one bit of the %s (%i) is noticed where it is", async (part, level, first) => {
  const changed = tampered(leaf, proof, { part, level, bit: anyBit(part, level, leaf, proof) })!;
  expect(changed.before).not.toBe(changed.after);
  const found = await verify(changed.leaf, changed.proof, untouched.leafHash, key);
  const broken = firstBroken(stepsOf(found, untouched));
  expect([isBroken(found), broken?.id]).toEqual([true, first]);
  if (first === "merge") expect(broken?.level).toBe(level);
});

test("without a change each step holds, and the signature is open where no key is known", async () => {
  const states = stepsOf(await verify(leaf, proof, untouched.leafHash, key), untouched).map((step) => step.state);
  expect(new Set(states)).toEqual(new Set(["good", "computed"]));
  expect(stepsOf(await verify(leaf, proof, null, null), null).at(-1)?.state).toBe("open");
});

test("what is not there cannot be changed", () => {
  expect(tampered(leaf, proof, { part: "sibling", level: 99, bit: 0 })).toBeNull();
  expect(bitsOf("sibling", 99, leaf, proof)).toBe(0);
  expect(around("abcdef", 2)).toEqual({ before: "ab", behind: "def" });
});

test("no two parts of a drawing lie on each other, and a deep tree is folded", async () => {
  for (const index of [0, 5, 107, 131]) {
    const path = Array.from({ length: 40 }, () => untouched.leafHash);
    for (const [depth, unfolded] of [[3, false], [8, false], [26, false], [26, true]] as const) {
      const climbed = await climb(leaf, index, 2 ** depth, path.slice(0, depth));
      const drawn = layout(climbed, unfolded);
      expect(drawn.levels.length).toBe(depth <= 9 || unfolded ? depth : 8);
      expect(drawn.fold?.count ?? 0).toBe(depth <= 9 || unfolded ? 0 : depth - 8);
      for (const { node, sibling } of drawn.levels) expect(Math.abs(node.x - sibling.x)).toBeGreaterThan(NODE.width);
      expect(drawn.right - drawn.left).toBeLessThan(800);
      expect(Math.min(drawn.right - drawn.leaf.x, drawn.leaf.x - drawn.left)).toBeGreaterThanOrEqual(CARD.width / 2);
    }
  }
});
