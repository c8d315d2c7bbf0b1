import { expect, test } from "vitest";
import { Draws, isSeed, newSeed, some } from "./draw";
import { readDrawn, sampleDigest, writeDrawn, type Drawn } from "./drawn";

const SEED = "00112233445566778899aabbccddeeff";
const DIGEST = "2ac05ae6db0217c2e5ffa2ee11e6f716b193366c00db5db0056187c194a81d03";

test("the same seed draws the same, as anybody computes it", async () => {
  const draws = new Draws(SEED);
  const numbers = [];
  for (let times = 0; times < 4; times += 1) numbers.push(await draws.below(1_000_000));
  // [int.from_bytes(hashlib.sha256(f"{seed}:{n}".encode()).digest()[:8], "big") % 2**53 % 10**6 for n in range(4)]
  expect(numbers).toEqual([781318, 934525, 107232, 94801]);
  const all = Array.from({ length: 30 }, (_, number) => number);
  expect(await some(all, 5, new Draws(SEED))).toEqual(await some(all, 5, new Draws(SEED)));
  expect(await some(all, 5, new Draws(SEED))).not.toEqual(await some(all, 5, new Draws(newSeed())));
  expect(isSeed(newSeed()) && newSeed() !== newSeed()).toBe(true);
});

test("each number is about equally likely, and none is out of bounds", async () => {
  const draws = new Draws(SEED);
  const counts = new Array<number>(10).fill(0);
  for (let times = 0; times < 1500; times += 1) counts[await draws.below(10)]! += 1;
  for (const count of counts) expect(Math.abs(count - 150)).toBeLessThan(60);
});

test("a sample has none twice, and no more than there are", async () => {
  const all = Array.from({ length: 50 }, (_, number) => number);
  const drawn = await some(all, 20, new Draws(SEED));
  expect(new Set(drawn).size).toBe(20);
  expect((await some(all, 80, new Draws(SEED))).sort((one, other) => one - other)).toEqual(all);
  expect(await some([], 3, new Draws(SEED))).toEqual([]);
});

test("how a sample was drawn stands in the address", () => {
  const drawn: Drawn[] = [
    { kind: "all", of: 147, redrawn: 2, seed: SEED, filters: "" },
    { kind: "filtered", of: 9, redrawn: 0, seed: SEED, filters: "kind=stored&until_ms=1795434351053" },
    { kind: "cut", of: 5000, redrawn: 0, seed: SEED, filters: "log=renmin.example%2Faudit" },
  ];
  for (const one of drawn) expect(readDrawn(writeDrawn(one))).toEqual(one);
  for (const wrong of [null, "", "all", "all.x.1", "some.1.1", "all.1.1", `all.1.1.${SEED}x`, `all.1.1.${SEED}.a b`, `all.1.1.${SEED}.`]) expect(readDrawn(wrong)).toBeNull();
});

test("a sample is known by what was drawn and how", async () => {
  const drawn: Drawn = { kind: "filtered", of: 9, redrawn: 0, seed: SEED, filters: "kind=stored&until_ms=5" };
  // As crates/access/src/audit_reviews.rs spells it.
  expect(await sampleDigest(drawn, ["7@renmin/audit", "3@renmin/audit"])).toBe(DIGEST);
  expect(await sampleDigest(drawn, ["3@renmin/audit", "7@renmin/audit"])).not.toBe(DIGEST);
});
