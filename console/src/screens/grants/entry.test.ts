import { expect, test } from "vitest";
import type { BrokenGlass, Consultation, Grant } from "../../api/rows";
import { endingOf, entriesOf, sideOf, stateOf } from "./entry";

const grant: Grant = {
  grant: 1, name: "li-wei", given_by: "zhao-min", study: null, patient: "03f5", purpose: "TREAT", export: false, reason: "second opinion",
  given_ms: 0, valid_from_ms: 100, valid_until_ms: 1_000, open: true, ended_ms: null, ended_by: null,
};
const consultation: Consultation = {
  consultation: 2, name: "zhou", assigned_by: "zhao-min", study: "c9a8", patient: null, reason: null, assigned_ms: 50, valid_from_ms: 50,
  valid_until_ms: 5_000, open: false, ended_ms: 60, ended_by: "zhou", end: "completed",
};
const [entry, ended] = entriesOf([grant], [], [consultation]);

test("what is open comes first, though something else is newer", () => {
  expect([entry?.key, ended?.key]).toEqual(["grant-1", "consultation-2"]);
});

test("a right is coming, open, ended by somebody, or over by itself", () => {
  expect([50, 100, 1_000].map((now) => stateOf(entry!, now))).toEqual(["coming", "open", "over"]);
  expect(stateOf(ended!, 70)).toBe("ended");
});

test("who gave it and who has it end it, others do not, an officer does", () => {
  const doctor = { actions: ["give-grant"] };
  expect(["zhao-min", "li-wei", "somebody"].map((name) => sideOf(entry!, name))).toEqual(["given", "received", "others"]);
  expect(["zhao-min", "li-wei", "somebody"].map((name) => endingOf(entry!, { name, ...doctor }, 500))).toEqual(["end", "end", null]);
  expect(endingOf(entry!, { name: "officer", actions: ["manage-rights"] }, 500)).toBe("end");
  expect(endingOf(entry!, { name: "zhao-min", ...doctor }, 1_000)).toBeNull();
});

test("broken glass is ended by who broke it or an officer, and not by who reviews it", () => {
  const glass: BrokenGlass = {
    ...grant, purpose: "BTG", code: "other", review_due_ms: 9_000, overdue: false, verdict: null, reviewed_by: null, reviewed_ms: null, review: null,
  };
  const [broken] = entriesOf([], [glass], []);
  const by = (name: string, action: string) => endingOf(broken!, { name, actions: [action] }, 500);
  expect([by("li-wei", "break-glass"), by("security", "manage-rights"), by("audit", "review-break-glass")]).toEqual(["end", "end", null]);
});

test("an expert completes a consultation, and nobody ends it twice", () => {
  const [running] = entriesOf([], [], [{ ...consultation, open: true, ended_ms: null, ended_by: null }]);
  expect(endingOf(running!, { name: "zhou", actions: [] }, 100)).toBe("complete");
  expect(endingOf(ended!, { name: "zhou", actions: [] }, 100)).toBeNull();
});
