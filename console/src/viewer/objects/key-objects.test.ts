import { expect, test } from "vitest";
import type { DataSet } from "../../lib/dicom";
import type { Slice } from "../study";
import { askFor, markOf, means, selectionOf } from "./key-objects";

const code = (value: string, meaning: string): DataSet => ({ "00080100": { Value: [value] }, "00080102": { Value: ["DCM"] }, "00080104": { Value: [meaning] } });
const selection = (title: string, images: [string, number[]][]): DataSet => ({
  "00080016": { Value: ["1.2.840.10008.5.1.4.1.1.88.59"] },
  "00080018": { Value: ["1.9"] },
  "00080023": { Value: ["20261123"] },
  "0040A040": { Value: ["CONTAINER"] },
  "0040A043": { Value: [code(title, "Of Interest")] },
  "0040A730": {
    Value: [
      { "0040A040": { Value: ["TEXT"] }, "0040A043": { Value: [code("113012", "Key Object Description")] }, "0040A160": { Value: ["结节"] } },
      { "0040A040": { Value: ["PNAME"] }, "0040A043": { Value: [code("121008", "Person Observer Name")] }, "0040A123": { Value: [{ Ideographic: "孙^薇" }] } },
      ...images.map(([uid, frames]) => ({ "0040A040": { Value: ["IMAGE"] }, "00081199": { Value: [{ "00081155": { Value: [uid] }, "00081160": { Value: frames } }] } })),
    ],
  },
});
const slice = (instance: string, frame: number): Slice => ({ imageId: "", address: "", instance, frame, data: {}, place: null });

test("a selection says which images, why, by whom", () => {
  const found = selectionOf(selection("113000", [["1.2", []], ["1.3", [2, 4]]]));
  expect(found).toMatchObject({ code: "113000", title: "Of Interest", description: "结节", author: "孙薇", at: "2026-11-23" });
  expect(means(found!, slice("1.2", 7))).toBe(true);
  expect(means(found!, slice("1.3", 4))).toBe(true);
  expect(means(found!, slice("1.3", 3))).toBe(false);
  expect(means(found!, slice("1.4", 1))).toBe(false);
});

test("what rejects images, and what is no selection, marks nothing", () => {
  expect(selectionOf(selection("113001", [["1.2", []]]))).toBeNull();
  expect(selectionOf({ ...selection("113000", []), "00080016": { Value: ["1.2.840.10008.5.1.4.1.1.88.33"] } })).toBeNull();
  expect(selectionOf({})).toBeNull();
});

test("marks become each object once, with frames where there are several", () => {
  expect(markOf(slice("1.2", 12))).toBe("1.2/12");
  const marks = [
    { series: "s", instance: "1.2", frame: 1, of: 1 },
    { series: "s", instance: "1.3", frame: 9, of: 20 },
    { series: "s", instance: "1.3", frame: 2, of: 20 },
  ];
  expect(askFor(marks, "113000", "  ")).toEqual({ title: "113000", images: [{ instance: "1.2" }, { instance: "1.3", frames: [2, 9] }] });
  expect(askFor(marks.slice(0, 1), "113004", " 教学 ")).toEqual({ title: "113004", images: [{ instance: "1.2" }], description: "教学" });
});
