import { expect, test } from "vitest";
import { askedOf, suspensionsFor, waitingIn } from "./waiting";

test("the overview is asked where looking at it leaves no record, and nobody is asked for those for whom nothing waits", () => {
  expect(askedOf(["manage-rights", "manage-keys", "lift-stop", "approve-policy"])).toBe("overview");
  expect(askedOf(["read-audit", "review-alerts", "approve-policy"])).toBe("lists");
  expect(askedOf(["approve-destruction"])).toBe("lists");
  expect(askedOf(["read-system", "propose-policy", "open-maintenance"])).toBe("nothing");
  expect(askedOf(["search", "view", "break-glass"])).toBe("nothing");
});

test("what one asked for oneself waits for others", () => {
  const approval = (kind: "policy" | "policy-activation" | "destruction", own: boolean) => ({ kind, own, by: "a", id: "1", since_ms: 0 });
  expect(waitingIn({})).toBe(0);
  expect(waitingIn({ approvals: [approval("policy", true), approval("destruction", false), approval("policy-activation", true)] })).toBe(2);
  expect(waitingIn({ approvals: [], reviews: { waiting: 3, overdue: 1, first: [] }, reasons: { waiting: 2 } })).toBe(5);
  expect(suspensionsFor("a", [{ name: "a" }, { name: "b" }])).toBe(1);
});
