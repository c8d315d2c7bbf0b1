import { expect, test } from "vitest";
import { spellings } from "./json";

test("a member is given as it is spelt", () => {
  const text = '[{"a":1,"leaf":{"n":18446744073709551615,"t":"}\\"],{"},"b":[2]}, {"leaf": {"leaf":{}} }]';
  expect(spellings(text, "leaf")).toEqual(['{"n":18446744073709551615,"t":"}\\"],{"}', '{"leaf":{}}']);
});

test("names deeper inside, and values that look like names, are passed over", () => {
  expect(spellings('[{"x":"leaf","y":{"leaf":1},"leaf":7}]', "leaf")).toEqual(["7"]);
  expect(spellings("[]", "leaf")).toEqual([]);
  expect(spellings('[{"a":{"leaf":1}}]', "leaf")).toEqual([]);
});
