// A text that is in one language alone would show its key in the other.
import { expect, test } from "vitest";
import enAccesses from "../accesses/en.json";
import zhAccesses from "../accesses/zh-CN.json";
import en from "./en.json";
import enLeaf from "./leaf/en.json";
import zhLeaf from "./leaf/zh-CN.json";
import zh from "./zh-CN.json";

test.each([
  ["audit", zh, en],
  ["leaf", zhLeaf, enLeaf],
  ["accesses", zhAccesses, enAccesses],
])("the texts of %s have the same keys and the same values to fill in", (_, chinese, english) => {
  const [one, other] = [flat(chinese), flat(english)];
  expect([...one.keys()].sort()).toEqual([...other.keys()].sort());
  for (const [key, text] of one) expect([key, holes(text)]).toEqual([key, holes(other.get(key) ?? "")]);
});

// === helpers ===

function flat(of: object, before = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(of)) {
    const name = `${before}${key}`.replace(/_(one|other)$/, "");
    if (typeof value === "string") found.set(name, value);
    else for (const [inner, text] of flat(value as object, `${name}.`)) found.set(inner, text);
  }
  return found;
}

function holes(text: string): string[] {
  return [...text.matchAll(/\{\{(\w+)\}\}/g)].map((hole) => hole[1] ?? "").sort();
}
