import { expect, test } from "vitest";
import { ABOUT, aboutOf, commandOf, FILTERS, SPAN, spanOf } from "./query";

const REFERENCE = "0123456789abcdef0123456789abcdef";

test("an address names one patient or study, or nobody", () => {
  expect(aboutOf({ patient: REFERENCE })).toEqual({ patient: REFERENCE });
  expect(aboutOf({ patient: REFERENCE, study_uid: "1.2.3" })).toEqual({ study_uid: "1.2.3" });
  expect(aboutOf({ study: REFERENCE })).toEqual({ study: REFERENCE });
  for (const wrong of [{}, { patient: "P1" }, { study: "1.2" }, { study_uid: "x" }]) expect(aboutOf(wrong)).toBeNull();
});

test("a span is of whole milliseconds, or begins on a morning", () => {
  const now = new Date(2026, 10, 21, 15, 30);
  expect(spanOf({ from_ms: "5", until_ms: "x" }, now)).toEqual({ from_ms: 5 });
  expect(spanOf({ when: "today" }, now)).toEqual({ from_ms: new Date(2026, 10, 21).getTime() });
  expect(spanOf({ when: "week", patient: "P1" }, now)).toEqual({ from_ms: new Date(2026, 10, 15).getTime() });
  expect(spanOf({ when: "ever", from_ms: "5" }, now)).toEqual({ from_ms: 5 });
});

test("what is kept in a browser names nobody", () => {
  expect([...ABOUT, ...SPAN].sort()).toEqual([...FILTERS].sort());
  for (const name of SPAN) expect(ABOUT).not.toContain(name);
});

test("a command asks the same, or there is none", () => {
  expect(commandOf({ study_uid: "1.2.3" }, false, {})).toBe("yingdun audit accesses --study 1.2.3");
  expect(commandOf({ patient: REFERENCE }, true, {})).toBe("yingdun audit accesses --patient-id-file -");
  expect(commandOf({ patient: REFERENCE }, false, {})).toBeUndefined();
  expect(commandOf({ study_uid: "1.2.3" }, false, { from_ms: 1 })).toBeUndefined();
});
