import { expect, test } from "vitest";
import { freezeOf, isLasting, isLiftable, isStopping, stateOf, type Alert } from "./alert";

const alert: Alert = {
  alert: 1, kind: "monitor-limit", name: "li-wei", actor_kind: "person", role: "radiologist", step: "suspend-session", patient: null, study: null,
  measure: "patients", counted: 61, at_most: 60, within_minutes: 60, at_ms: 0, stops: "suspend-session", stops_until_ms: 1_800_000,
  lifted_ms: null, lifted_by: null, acknowledged_ms: null, acknowledged_by: null, verdict: null, explained: null,
};

test("a stop ends by itself after its time", () => {
  expect(isStopping(alert, 1_799_999)).toBe(true);
  expect(isStopping(alert, 1_800_000)).toBe(false);
});

test("a stop that was found right lasts until it is lifted", () => {
  const right: Alert = { ...alert, verdict: "true-positive", acknowledged_ms: 5, stops_until_ms: Number.MAX_SAFE_INTEGER };
  expect([isStopping(right, 9_000_000), isLasting(right), isLasting(alert)]).toEqual([true, true, false]);
  expect(isStopping({ ...right, lifted_ms: 6 }, 9_000_000)).toBe(false);
  expect(stateOf({ ...right, lifted_ms: 6 }, 9_000_000)).toBe("true-positive");
});

test("what is found right after its stop was over stops nobody again", () => {
  expect(isStopping({ ...alert, verdict: "true-positive", acknowledged_ms: 2_000_000 }, 2_000_001)).toBe(false);
});

test("what nobody looked at is new once it stops nobody", () => {
  expect(stateOf(alert, 10)).toBe("stopped");
  expect(stateOf(alert, 2_000_000)).toBe("new");
  expect(stateOf({ ...alert, acknowledged_ms: 5 }, 2_000_000)).toBe("seen");
});

test("a step below the limit can be lifted while it lasts", () => {
  const step: Alert = { ...alert, kind: "monitor-step", stops: null };
  expect(isLiftable(step, 10)).toBe(true);
  expect(isLiftable(step, 1_800_000)).toBe(false);
  expect(isLiftable({ ...step, kind: "monitor-score", stops_until_ms: null }, 10)).toBe(false);
});

test("an account is frozen by a row of its own, for its person alone and until that is lifted", () => {
  const freeze: Alert = { ...alert, alert: 2, kind: "account-frozen", stops: "freeze-account", stops_until_ms: 253_402_300_799_000, explained: { alert: 1 }, acknowledged_ms: 1 };
  expect(stateOf(freeze, 5)).toBe("frozen");
  expect(freezeOf(alert, [alert, freeze], 5)).toBe(freeze);
  expect(freezeOf({ ...alert, name: "wang" }, [alert, freeze], 5)).toBeUndefined();
  expect(freezeOf({ ...alert, actor_kind: "device" }, [alert, freeze], 5)).toBeUndefined();
  expect(freezeOf(alert, [alert, { ...freeze, lifted_ms: 4 }], 5)).toBeUndefined();
});
