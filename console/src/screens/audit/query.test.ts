import { expect, test } from "vitest";
import { addressOf, commandOf, isFiltered, isReference, isUid, queryOf, spanOf } from "./query";
import { quoted } from "../../lib/words";

const NOW = new Date(2026, 10, 23, 15, 4);

test("filters become a query that the archive takes", () => {
  expect(queryOf({ actor: "li-wei", outcome: "refused" }, NOW).toString()).toBe("actor=li-wei&outcome=refused");
  expect(queryOf({ actor: "li-wei", device: "CT1" }, NOW).toString()).toBe("device=CT1");
  expect(queryOf({ study: "a".repeat(32), study_uid: "1.2" }, NOW).toString()).toBe("study_uid=1.2");
  expect(queryOf({ from_ms: "5", until_ms: "9", when: "" }, NOW).toString()).toBe("from_ms=5&until_ms=9");
  expect(queryOf({ from_ms: "x", until_ms: "-9" }, NOW).toString()).toBe("");
  expect(addressOf({}, NOW, "before-3-in-00", 5)).toBe("/api/v1/audit/search?limit=5&cursor=before-3-in-00");
});

test("the span of a search goes along without the rest of it", () => {
  expect(spanOf({ actor: "li-wei", from_ms: "5", until_ms: "9" }, NOW)).toEqual({ from_ms: 5, until_ms: 9 });
  expect(spanOf({ when: "today" }, NOW)).toEqual({ from_ms: new Date(2026, 10, 23).getTime() });
  expect(spanOf({ outcome: "refused" }, NOW)).toEqual({});
});

test("a span with a name begins at midnight here", () => {
  const today = new Date(2026, 10, 23).getTime();
  expect(queryOf({ when: "today" }, NOW).get("from_ms")).toBe(String(today));
  expect(Number(queryOf({ when: "week" }, NOW).get("from_ms"))).toBe(today - 6 * 86_400_000);
});

test("a command has the same conditions, or there is none", () => {
  expect(commandOf({ actor: "li wei", study_uid: "1.2", kind: "access" }, NOW)).toBe(
    "yingdun audit search --actor 'li wei' --kind access --study 1.2",
  );
  expect(commandOf({ actor_kind: "person" }, NOW)).toBeUndefined();
  expect(quoted("a'b")).toBe(`'a'\\''b'`);
});

test("what is typed is told apart", () => {
  expect([isReference("0".repeat(32)), isReference("P1"), isUid("1.2.840"), isUid("1.02"), isUid("P1")]).toEqual([true, false, true, false, false]);
  expect([isFiltered({}), isFiltered({ when: "today" })]).toEqual([false, true]);
});
