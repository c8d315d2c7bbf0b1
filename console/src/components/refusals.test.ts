import { expect, test } from "vitest";
import { ProblemError } from "../api/problem";
import { refusalInChinese } from "./refusals";
import table from "./refusals.zh.json";

const problem = (kind: string, details = {}) => new ProblemError(403, { type: `urn:yingdun:problem:${kind}`, ...details });

test("the nearest case that is known gives the words", () => {
  expect(refusalInChinese(problem("forbidden", { came: "monitor-limit", expected: "another person" }), table)).toEqual(table.came["monitor-limit"]);
  expect(refusalInChinese(problem("conflict", { came: "chen-jing", expected: "another person" }), table)).toEqual(table.expected["another person"]);
  expect(refusalInChinese(problem("conflict", { came: "something" }), table)).toEqual(table.kind.conflict);
});

test("what is not known, or is no case at all, has no words", () => {
  expect(refusalInChinese(problem("new-kind"), table)).toBeNull();
  expect(refusalInChinese(problem("constructor", { came: "toString", expected: "__proto__" }), table)).toBeNull();
  expect(refusalInChinese(new ProblemError(502, {}), table)).toBeNull();
});

test("each case says what is wanted and what helps", () => {
  for (const cases of Object.values(table))
    for (const [name, words] of Object.entries(cases)) expect([name, words.length, words.every((word) => word.trim() !== "")]).toEqual([name, 2, true]);
});
