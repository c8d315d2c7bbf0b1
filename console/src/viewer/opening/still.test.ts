// What a still shows, by hand.
import { describe, expect, it } from "vitest";
import type { DataSet } from "../../lib/dicom";
import { partOf } from "./part";
import { stillOf } from "./still";

const EXPLICIT = "1.2.840.10008.1.2.1";

function described(more: Record<string, unknown> = {}): DataSet {
  const said: Record<string, unknown> = {
    "00080060": "CT",
    "00280002": 1,
    "00280004": "MONOCHROME2",
    "00280010": 1,
    "00280011": 3,
    "00280100": 16,
    "00280101": 12,
    "00280102": 11,
    "00280103": 1,
    "00281050": 40,
    "00281051": 400,
    "00281052": -24,
    "00281053": 2,
    ...more,
  };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined).map(([tag, value]) => [tag, { Value: Array.isArray(value) ? value : [value] }]));
}

function frame(values: number[], transferSyntax = EXPLICIT) {
  return { bytes: new Uint8Array(Int16Array.from(values).buffer), transferSyntax };
}

/** The red of each pixel. */
function grays(still: ReturnType<typeof stillOf>): number[] {
  if (!still) throw new Error("no still");
  return Array.from({ length: still.rows * still.columns }, (_, at) => still.values[4 * at]!);
}

describe("a still", () => {
  it("is rescaled and windowed, from black to white", () => {
    // -160 and 239 are the ends of 40 ± 200; -24 + 2 × 32 = 40 lies in the middle.
    const still = stillOf(frame([-68, 32, 132]), described(), null);
    expect(grays(still)).toEqual([0, 128, 255]);
    expect(Array.from(still!.values.subarray(4, 8))).toEqual([128, 128, 128, 255]);
  });

  it("takes another window, and shows the other way round what is so", () => {
    expect(grays(stillOf(frame([-68, 32, 132]), described(), { center: 40, width: 80 }))).toEqual([0, 129, 255]);
    expect(grays(stillOf(frame([-68, 32, 132]), described({ "00280004": "MONOCHROME1" }), null))).toEqual([255, 127, 0]);
  });

  it("does not take bits that are not stored for a value", () => {
    // Twelve bits of -68, and an old overlay above them.
    expect(grays(stillOf(frame([(-68 & 0xfff) | 0x1000, 32, 132]), described(), null))).toEqual([0, 128, 255]);
    const unsigned = described({ "00280103": 0, "00281052": 0, "00281053": 1, "00281050": 2048, "00281051": 4096 });
    expect(grays(stillOf(frame([0, 0xfff, 0xf800 - 0x10000]), unsigned, null))).toEqual([0, 255, 128]);
  });

  it("is none where the picture takes more than that", () => {
    for (const more of [
      { "00280004": "RGB", "00280002": 3 },
      { "00280004": "PALETTE COLOR" },
      { "00080060": "PT" },
      { "00281056": "SIGMOID" },
      { "20500020": "INVERSE" },
      { "00283000": {} },
      { "00283010": {} },
      { "52009229": {} },
      { "00280030": [0.7, 0.9] },
      { "00280034": [4, 3] },
      { "00280100": 32, "00280101": 32, "00280102": 31 },
      { "00280102": 15 },
      { "00280101": undefined },
      { "00281050": undefined },
      { "00281051": 1 },
    ]) {
      expect(stillOf(frame([0, 0, 0]), described(more), null), JSON.stringify(more)).toBeNull();
    }
    expect(stillOf(frame([0, 0, 0], "1.2.840.10008.1.2.4.90"), described(), null), "compressed").toBeNull();
    expect(stillOf(frame([0, 0, 0], "1.2.840.10008.1.2.2"), described(), null), "big endian").toBeNull();
    expect(stillOf(frame([0, 0]), described(), null), "too short").toBeNull();
  });
});

describe("an answer of several parts", () => {
  const bytes = (text: string) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

  it("is read for the one that it has, whatever stands in it", () => {
    const answer = bytes(`--b-1\r\nContent-Type: application/octet-stream; transfer-syntax=${EXPLICIT}\r\nContent-Length: 8\r\n\r\n\r\n--b-\r\n\r\n--b-1--\r\n`);
    const part = partOf(answer);
    expect(part.transferSyntax).toBe(EXPLICIT);
    expect(Array.from(part.bytes)).toEqual(Array.from(bytes("\r\n--b-\r\n")));
  });

  it("is refused where it is none", () => {
    for (const text of ["", "\r\n\r\n", "--b\r\n\r\nx\r\n--b--", `--b\r\nContent-Type: a/b; transfer-syntax=${EXPLICIT}\r\n\r\nx`, "Content-Type: a/b; transfer-syntax=1.2\r\n\r\nx\r\n--b--"]) {
      expect(() => partOf(bytes(text)), text).toThrow();
    }
  });
});
