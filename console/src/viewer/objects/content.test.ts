import { expect, test } from "vitest";
import type { DataSet } from "../../lib/dicom";
import { contentOf, DEPTH_MAX, ITEMS_MAX, placesOf, TEXT_MAX, walk } from "./content";

const code = (value: string, scheme: string, meaning: string): DataSet => ({
  "00080100": { Value: [value] },
  "00080102": { Value: [scheme] },
  "00080104": { Value: [meaning] },
});
const item = (kind: string, values: DataSet = {}, children: DataSet[] = []): DataSet => ({
  "0040A010": { Value: ["CONTAINS"] },
  "0040A040": { Value: [kind] },
  ...values,
  ...(children.length > 0 ? { "0040A730": { Value: children } } : {}),
});

test("text, numbers with units, codes, persons, moments and images are what they say", () => {
  const found = contentOf(
    item("CONTAINER", { "0040A043": { Value: [code("18748-4", "LN", "报告")] } }, [
      item("TEXT", { "0040A160": { Value: ["<b>结节</b>"] } }),
      item("NUM", { "0040A300": { Value: [{ "0040A30A": { Value: [8.4] }, "004008EA": { Value: [code("mm", "UCUM", "毫米")] } }] } }),
      item("NUM", { "0040A300": { Value: [{ "0040A30A": { Value: [3] }, "004008EA": { Value: [code("1", "UCUM", "no units")] } }] } }),
      item("NUM", { "0040A301": { Value: [code("114006", "DCM", "测量失败")] } }),
      item("CODE", { "0040A168": { Value: [code("45653009", "SCT", "右肺上叶")] } }),
      item("PNAME", { "0040A123": { Value: [{ Alphabetic: "Sun^Wei", Ideographic: "孙^薇" }] } }),
      item("DATETIME", { "0040A120": { Value: ["20261123101500.000000"] } }),
      item("IMAGE", { "00081199": { Value: [{ "00081155": { Value: ["1.2.3"] }, "00081160": { Value: [2, 3] } }] } }),
      item("SCOORD", { "00700023": { Value: ["POLYLINE"] }, "00700022": { Value: [1, 2, 3, 4] } }),
      item("", { "0040DB73": { Value: [1, 2] } }),
      item("MYSTERY"),
    ]),
  );
  expect(found?.root.name).toEqual({ meaning: "报告", code: "18748-4 LN" });
  expect(found?.root.children.map((child) => child.value)).toEqual([
    { is: "text", text: "<b>结节</b>" },
    { is: "number", number: "8.4", unit: "mm", qualifier: "" },
    { is: "number", number: "3", unit: "", qualifier: "" },
    { is: "number", number: "", unit: "", qualifier: "测量失败" },
    { is: "coded", coded: { meaning: "右肺上叶", code: "45653009 SCT" } },
    { is: "text", text: "孙薇" },
    { is: "moment", date: "20261123", time: "101500" },
    { is: "images", references: [{ instance: "1.2.3", frames: [2, 3] }] },
    { is: "coordinates", graphic: "POLYLINE", points: 2 },
    { is: "elsewhere" },
    { is: "unknown", kind: "MYSTERY" },
  ]);
  expect(found?.whole).toBe(true);
});

test("what has no content is no report, and damaged sequences are empty", () => {
  expect(contentOf({})).toBeNull();
  expect(contentOf({ "0040A040": { Value: ["TEXT"] } })).toBeNull();
  expect(contentOf(item("CONTAINER", { "0040A730": { Value: [null, 7, "x"] } }))?.root.children).toEqual([]);
});

test("depth, number and length are bounded, and it is said that something was left out", () => {
  let deep = item("TEXT");
  for (let level = 0; level < DEPTH_MAX + 10; level += 1) deep = item("CONTAINER", {}, [deep]);
  const cut = contentOf(deep);
  expect(cut?.whole).toBe(false);
  expect([...walk(cut!.root)]).toHaveLength(DEPTH_MAX + 1);
  const wide = contentOf(item("CONTAINER", {}, Array.from({ length: ITEMS_MAX + 5 }, () => item("TEXT"))));
  expect(wide?.whole).toBe(false);
  expect(wide?.root.children).toHaveLength(ITEMS_MAX);
  const long = contentOf(item("CONTAINER", {}, [item("TEXT", { "0040A160": { Value: ["x".repeat(TEXT_MAX + 9)] } })]));
  expect(long?.root.children[0]?.value).toEqual({ is: "text", text: `${"x".repeat(TEXT_MAX)}…` });
});

test("the evidence of a document tells where its images are", () => {
  const object = { "00081155": { Value: ["1.2.3.4"] } };
  const series = { "0020000E": { Value: ["1.2.3"] }, "00081199": { Value: [object] } };
  const study = { "0020000D": { Value: ["1.2"] }, "00081115": { Value: [series] } };
  expect(placesOf({ "0040A375": { Value: [study] } })).toEqual(new Map([["1.2.3.4", { study: "1.2", series: "1.2.3" }]]));
  expect(placesOf({})).toEqual(new Map());
});
