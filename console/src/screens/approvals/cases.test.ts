import { expect, test } from "vitest";
import type { BrokenGlass } from "../../api/rows";
import { casesOf, type Everything, type Officer } from "./cases";
import { quoted } from "../../lib/words";
import { doingOf } from "./doing";
import type { Destruction, Hold, Maintenance, PolicyVersion } from "./rows";

const HOUR = 3_600_000;
const NOTHING: Everything = { glass: [], policies: null, destructions: [], holds: [], maintenance: [], reasons: [] };
const SECURITY: Officer = {
  name: "security",
  role: "security-administrator",
  actions: ["request-destruction", "approve-release", "lift-stop", "propose-policy", "approve-policy", "activate-policy", "approve-maintenance"],
};
const AUDIT: Officer = {
  name: "audit",
  role: "audit-administrator",
  actions: ["approve-destruction", "manage-holds", "review-break-glass", "approve-policy"],
};

const glass: BrokenGlass = {
  grant: 7, name: "chen", study: null, patient: "03f5", purpose: "BTG", reason: "found in the street", given_ms: 0, valid_from_ms: 0, valid_until_ms: HOUR,
  open: true, ended_ms: null, ended_by: null, code: "unconscious-patient", review_due_ms: 72 * HOUR, overdue: false, verdict: null, reviewed_by: null,
  reviewed_ms: null, review: null,
};
const rules: PolicyVersion = {
  version: 3, state: "proposed", digest: "ab", reason: "inside only", copy_of: null, proposed_by: "security", proposed_ms: HOUR, approvals: [],
  activated_ms: null, closed_by: null, closed_ms: null,
};
const destruction: Destruction = {
  id: "5f", state: "requested", subject: "study", reason: "mistake", studies: 1, instances: 2, bytes: 3, requested_by: "security", requested_ms: 2 * HOUR,
  decided_by: null, decided_ms: null, shredded_ms: null, waits_for: [], done_ms: null,
};
const hold: Hold = { id: "7c", state: "held", subject: "patient", patient: "856c", reason: "litigation", placed_by: "audit", placed_ms: 0 };
const session: Maintenance = {
  maintenance: 9, name: "vendor", scopes: ["health"], reason: "ticket", state: "waiting", opened_by: "system", opened_ms: 0, approved_by: null,
  approved_ms: null, valid_from_ms: 0, valid_until_ms: HOUR, ended_ms: null, ended_by: null,
};

const withRules = (row: PolicyVersion): Everything => ({
  ...NOTHING,
  policies: { in_force: { policy_set: "", version: 0, activation: 0, suspended_until_ms: null, is_locked: false, to_review: [] }, versions: [row] },
});
const only = (of: Everything, officer: Officer) => {
  const [one, ...others] = casesOf(of, officer);
  expect(others).toEqual([]);
  return one!;
};

test("broken glass waits for the audit administrator, and never for who broke it", () => {
  expect(only({ ...NOTHING, glass: [glass] }, AUDIT)).toMatchObject({ waits: true, own: false, acts: ["review"], due_ms: 72 * HOUR });
  expect(only({ ...NOTHING, glass: [glass] }, { ...AUDIT, name: "chen" })).toMatchObject({ waits: false, own: true, acts: [] });
  expect(only({ ...NOTHING, glass: [{ ...glass, verdict: "justified", reviewed_by: "audit" }] }, AUDIT)).toMatchObject({ waits: false, settled: true });
});

test("rules wait for both offices, once each, and never for who proposed them", () => {
  expect(only(withRules(rules), SECURITY)).toMatchObject({ waits: false, own: true, acts: ["withdraw"] });
  expect(only(withRules(rules), AUDIT)).toMatchObject({ waits: true, acts: ["approve", "reject"] });
  const said = { ...rules, approvals: [{ office: "audit-administrator", name: "audit", at_ms: 5 }] };
  expect(only(withRules(said), AUDIT)).toMatchObject({ waits: false, acts: ["reject"] });
});

test("who proposed rules may put them into force when two others approved", () => {
  expect(only(withRules({ ...rules, state: "approved" }), SECURITY)).toMatchObject({ waits: true, own: false, acts: ["activate", "withdraw"] });
  expect(only(withRules({ ...rules, state: "suspended" }), SECURITY).acts).toEqual(["end"]);
  expect(only(withRules({ ...rules, state: "in-force" }), SECURITY)).toMatchObject({ waits: false, acts: ["suspend"] });
});

test("a destruction is approved by another, and taken back by either", () => {
  const of = { ...NOTHING, destructions: [destruction] };
  expect(only(of, SECURITY)).toMatchObject({ waits: false, acts: ["withdraw"] });
  expect(only(of, AUDIT)).toMatchObject({ waits: true, acts: ["approve", "withdraw"] });
  expect(only(of, AUDIT).steps.map((step) => step.state)).toEqual(["done", "now", "open", "open"]);
});

test("a hold is a case once its release is asked for", () => {
  expect(casesOf({ ...NOTHING, holds: [hold] }, SECURITY)).toEqual([]);
  const asked: Hold = { ...hold, state: "release-requested", release_requested_by: "audit", release_requested_ms: 5, release_reason: "ended" };
  expect(only({ ...NOTHING, holds: [asked] }, SECURITY)).toMatchObject({ waits: true, asker: "audit", acts: ["approve", "withdraw"] });
});

test("a maintenance session is due before its time is over", () => {
  expect(only({ ...NOTHING, maintenance: [session] }, SECURITY)).toMatchObject({ waits: true, due_ms: HOUR, acts: ["approve", "withdraw"] });
  expect(only({ ...NOTHING, maintenance: [{ ...session, state: "open" }] }, SECURITY)).toMatchObject({ waits: false, acts: ["end"] });
});

test("what waits comes first, and of that what is due soonest", () => {
  const late = { ...glass, grant: 8, review_due_ms: 100 * HOUR };
  const done = { ...glass, grant: 9, verdict: "justified" as const };
  const keys = casesOf({ ...NOTHING, glass: [done, late, glass], destructions: [destruction] }, AUDIT).map((one) => one.key);
  expect(keys).toEqual(["break-glass-7", "break-glass-8", "destruction-5f", "break-glass-9"]);
});

test("each button is a request and the command that does the same", () => {
  const opinion = { verdict: "justified" as const, words: "it's so", minutes: 30 };
  const review = doingOf(only({ ...NOTHING, glass: [glass] }, AUDIT), "review", opinion);
  expect(review).toMatchObject({ method: "POST", path: "/api/v1/break-glass/7/review", body: { verdict: "justified", reason: "it's so" } });
  expect(review?.cli).toBe(`yingdun break-glass review 7 --verdict justified --reason 'it'\\''s so'`);
  const rule = only(withRules(rules), AUDIT);
  expect(doingOf(rule, "approve", opinion)).toMatchObject({ path: "/api/v1/policies/3/approval", body: { digest: "ab" } });
  expect(doingOf(rule, "withdraw", opinion)).toMatchObject({ method: "DELETE", path: "/api/v1/policies/3" });
  expect(doingOf(only({ ...NOTHING, destructions: [destruction] }, AUDIT), "end", opinion)).toBeNull();
});

test("every case knows how each of its buttons is done", () => {
  const everything = { ...withRules(rules), glass: [glass], destructions: [destruction], maintenance: [session] };
  for (const officer of [SECURITY, AUDIT])
    for (const one of casesOf(everything, officer))
      for (const act of one.acts) expect(doingOf(one, act, { verdict: "justified", words: "w", minutes: 1 }), `${one.key} ${act}`).not.toBeNull();
});

test("a shell reads a quoted word back as it was", () => {
  expect(quoted("a 'b' $c")).toBe(`'a '\\''b'\\'' $c'`);
});
