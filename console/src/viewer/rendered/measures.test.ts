import { describe, expect, it } from "vitest";
import { angleOf, areaOf, boxOf, frameOfData, lengthOf, outlineOf, spacingOf, widestOfData, windowOfData, wordsOf, type Spacing } from "./measures";

const frame = { columns: 100, rows: 80, aspect: 1 };
const spacing: Spacing = { across_mm: 0.5, down_mm: 2, at: "patient" };
const words = { mean: "mean", deviation: "deviation", range: "range", area: "area", detector: "(detector)", asked: "…", small: "too small", often: "too often", failed: "failed" };
const numbers = (...values: number[]) => ({ vr: "DS", Value: values });

describe("the distance of pixels", () => {
  it("is that of the frame, of all frames, of the image, and of the detector at last", () => {
    const measures = (down: number, across: number) => ({ "00289110": { vr: "SQ", Value: [{ "00280030": numbers(down, across) }] } });
    const data = {
      "52009230": { vr: "SQ", Value: [measures(1, 2)] },
      "52009229": { vr: "SQ", Value: [measures(3, 4)] },
      "00280030": numbers(5, 6),
      "00181164": numbers(7, 8),
    };
    expect(spacingOf(data, 1)).toEqual({ down_mm: 1, across_mm: 2, at: "patient" });
    expect(spacingOf(data, 2)).toEqual({ down_mm: 3, across_mm: 4, at: "patient" });
    expect(spacingOf({ "00280030": data["00280030"], "00181164": data["00181164"] }, 1)).toEqual({ down_mm: 5, across_mm: 6, at: "patient" });
    expect(spacingOf({ "00181164": data["00181164"] }, 1)).toEqual({ down_mm: 7, across_mm: 8, at: "detector" });
    expect(spacingOf({ "00280030": numbers(0, 1) }, 1)).toBeNull();
    expect(spacingOf({}, 1)).toBeNull();
  });

  it("makes pixels high or wide", () => {
    const size = { "00280010": numbers(80), "00280011": numbers(100) };
    expect(frameOfData({ ...size, "00280030": numbers(2, 0.5) }, 1)).toEqual({ columns: 100, rows: 80, aspect: 4 });
    expect(frameOfData({ ...size, "00280034": numbers(1, 2) }, 1).aspect).toBe(0.5);
    expect(frameOfData(size, 1).aspect).toBe(1);
  });
});

describe("a measure", () => {
  it("has its length in millimetres, or in pixels", () => {
    expect(lengthOf([[0, 0], [6, 2]], spacing)).toBe(5);
    expect(lengthOf([[0, 0], [3, 4]], null)).toBe(5);
    expect(wordsOf({ kind: "length", points: [[0, 0], [6, 2]] }, frame, { ...spacing, at: "detector" }, words)).toEqual(["5.0 mm (detector)"]);
    expect(wordsOf({ kind: "length", points: [[0, 0], [3, 4]] }, frame, null, words)).toEqual(["5.0 px"]);
  });

  it("has its angle as it is in the patient", () => {
    expect(angleOf([[4, 0], [0, 0], [0, 1]], spacing)).toBeCloseTo(90);
    expect(angleOf([[4, 0], [0, 0], [4, 1]], spacing)).toBeCloseTo(45);
    expect(angleOf([[0, 0], [0, 0], [4, 1]], spacing)).toBe(0);
    expect(wordsOf({ kind: "angle", points: [[0, 0], [1, 1]] }, frame, spacing, words)).toEqual([]);
  });

  it("has a box of whole pixels inside the picture", () => {
    expect(boxOf("rectangle", [[10.4, 20.6], [4.5, 30.2]], frame)).toEqual({ left: 5, top: 21, columns: 5, rows: 9 });
    expect(boxOf("rectangle", [[-9, -9], [900, 900]], frame)).toEqual({ left: 0, top: 0, columns: 100, rows: 80 });
    expect(boxOf("ellipse", [[50, 40], [60, 45]], frame)).toEqual({ left: 40, top: 35, columns: 20, rows: 10 });
    expect(boxOf("ellipse", [[95, 40], [20, 300]], frame)).toEqual({ left: 90, top: 0, columns: 10, rows: 80 });
    const box = boxOf("rectangle", [[100, 80], [100, 80]], frame);
    expect([box.left + box.columns, box.top + box.rows]).toEqual([100, 80]);
  });

  it("is drawn as it is measured", () => {
    expect(outlineOf({ kind: "rectangle", points: [[1.2, 2], [5, 6]] }, frame)).toEqual([[1, 2], [5, 2], [5, 6], [1, 6], [1, 2]]);
    const around = outlineOf({ kind: "ellipse", points: [[50, 40], [60, 45]] }, frame);
    expect([Math.min(...around.map(([x]) => x)), Math.max(...around.map(([, y]) => y))]).toEqual([40, 45]);
  });

  it("says what the server measured, or why not", () => {
    const points = [[10, 10], [20, 20]] as const;
    const values = { pixels: 100, mean: 41, deviation: 9, lowest: null, highest: null, unit: "HU" };
    expect(wordsOf({ kind: "rectangle", points, values }, frame, spacing, words)).toEqual(["mean 41 HU", "deviation 9", "area 100.0 mm²"]);
    expect(wordsOf({ kind: "rectangle", points, values: { ...values, lowest: -3, highest: 70, unit: null } }, frame, null, words)).toEqual(["mean 41", "deviation 9", "range -3 … 70", "area 100.0 px²"]);
    expect(wordsOf({ kind: "rectangle", points, values: "small" }, frame, spacing, words)).toEqual(["too small", "area 100.0 mm²"]);
    expect(areaOf("ellipse", { left: 0, top: 0, columns: 10, rows: 10 }, null)).toBeCloseTo(78.54);
  });
});

describe("the window to begin with", () => {
  const grey = { "00280004": { vr: "CS", Value: ["MONOCHROME2"] } };
  it("is that of the image, or else all its values", () => {
    expect(windowOfData({ ...grey, "00281050": numbers(40, 50), "00281051": numbers(400, 350) })).toEqual({ center: 40, width: 400 });
    expect(windowOfData({ ...grey, "00281050": numbers(40), "00281051": numbers(400), "00283010": { vr: "SQ", Value: [{}] } })).toBeNull();
    expect(widestOfData({ ...grey, "00280101": numbers(12), "00281052": numbers(-1024) })).toEqual({ center: 1024, width: 4096 });
    expect(widestOfData({ ...grey, "00280101": numbers(16), "00280103": numbers(1) })).toEqual({ center: 0, width: 65536 });
    expect(widestOfData({ "00280004": { vr: "CS", Value: ["RGB"] }, "00280101": numbers(8) })).toBeNull();
  });
});
