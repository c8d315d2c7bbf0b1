import { expect, test, vi } from "vitest";

// The library wants a browser; nothing of it is asked here.
vi.mock("@cornerstonejs/tools", () => ({ annotation: { state: { getAllAnnotations: () => [] } } }));
const { frameOf, outline, wordsOf } = await import("./shot");

test("the frame is that of the address", () => {
  const slice = { imageId: "", address: "/dicom-web/studies/1.2/series/1.3/instances/1.4/frames/7", instance: "1.4", frame: 7, data: {}, place: null };
  expect(frameOf(slice)).toEqual({ study: "1.2", series: "1.3", instance: "1.4", frame: 7 });
});

test("a rectangle goes around, an ellipse through its four points", () => {
  expect(outline("RectangleROI", [[0, 0], [4, 0], [0, 2], [4, 2]])).toEqual([[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]);
  const ellipse = outline("EllipticalROI", [[5, 8], [5, 2], [1, 5], [9, 5]]);
  expect(ellipse.length).toBe(49);
  expect(ellipse[0]).toEqual([9, 5]);
  expect(ellipse[12]![0]).toBeCloseTo(5);
  expect(ellipse[12]![1]).toBeCloseTo(2);
  expect(outline("Length", [[0, 0], [1, 1]])).toEqual([[0, 0], [1, 1]]);
});

test("a measure says its value and unit, and nothing where it has none", () => {
  expect(wordsOf({ a: { length: 12.345, unit: "mm" } })).toEqual(["12.3 mm"]);
  expect(wordsOf({ a: { angle: 45 } })).toEqual(["45.0°"]);
  expect(wordsOf({ a: { mean: 31.25, stdDev: 2, modalityUnit: "HU", area: 100, areaUnit: "mm²" } })).toEqual(["31.3 ± 2.0 HU", "100.0 mm²"]);
  expect(wordsOf({ a: { length: Number.NaN } })).toEqual([]);
  expect(wordsOf(undefined)).toEqual([]);
});
