import { describe, expect, it } from "vitest";
import { BATCH_BYTES, BATCH_FILES, nextBatch, resultsOf, tallyOf, type Fate, type Item } from "./plan";
import { HEAD_BYTES, isBeside, isPart10 } from "./part10";

const item = (key: number, bytes = 10, fate: Fate = "waiting"): Item => ({ key, name: `${key}.dcm`, bytes, fate, why: "", code: null });

describe("a batch", () => {
  it("takes what waits, in order, up to its bounds", () => {
    const all = [item(1, 10, "new"), item(2, BATCH_BYTES - 1), item(3, 1), item(4, 1)];
    expect(nextBatch(all).map(({ key }) => key)).toEqual([2, 3]);
    expect(nextBatch(Array.from({ length: 99 }, (_, key) => item(key, 0)))).toHaveLength(BATCH_FILES);
  });
  it("takes a file that is larger than all bounds by itself, and nothing when nothing waits", () => {
    expect(nextBatch([item(1, 5 * BATCH_BYTES), item(2)]).map(({ key }) => key)).toEqual([1]);
    expect(nextBatch([item(1, 1, "failed")])).toEqual([]);
  });
});

describe("an answer", () => {
  it("says of each part what became of it", () => {
    const number = (part: number) => ({ "00091001": { vr: "UL", Value: [part] } });
    const answer = {
      "00081199": { vr: "SQ", Value: [{ ...number(1), "00091002": { vr: "CS", Value: ["NEW"] } }, { ...number(3), "00091002": { vr: "CS", Value: ["DUPLICATE"] } }] },
      "00081198": { vr: "SQ", Value: [{ ...number(2), "00081197": { vr: "US", Value: [0xa900] }, "00000902": { vr: "LO", Value: ["another study"] } }] },
      "0008119A": { vr: "SQ", Value: [{ ...number(4), "00081197": { vr: "US", Value: [0xc000] } }] },
    };
    const results = resultsOf(answer);
    expect([1, 2, 3, 4].map((part) => results.get(part)?.fate)).toEqual(["new", "failed", "duplicate", "failed"]);
    expect(results.get(2)).toMatchObject({ why: "another study", code: 0xa900 });
  });
  it("that is none says nothing", () => {
    expect(resultsOf({}).size).toBe(0);
  });
});

describe("files", () => {
  it("are DICOM by the word behind their preamble", () => {
    const head = new Uint8Array(HEAD_BYTES);
    head.set([0x44, 0x49, 0x43, 0x4d], 128);
    expect(isPart10(head)).toBe(true);
    expect(isPart10(head.slice(0, 131))).toBe(false);
    expect(isPart10(new Uint8Array(HEAD_BYTES))).toBe(false);
  });
  it("beside the images are left where they are", () => {
    expect(["CD/DICOMDIR", ".DS_Store", "viewer/start.exe", "README.TXT"].every(isBeside)).toBe(true);
    expect(["CD/IM0001", "a.dcm", "1.2.3"].some(isBeside)).toBe(false);
  });
  it("are counted by what became of them", () => {
    const tally = tallyOf([item(1, 5, "new"), item(2, 5, "failed"), item(3, 5, "notDicom"), item(4, 5, "sending"), item(5, 5, "duplicate")]);
    expect(tally).toEqual({ files: 5, done: 2, failed: 2, left: 1, bytes: 25, bytes_done: 20 });
  });
});
