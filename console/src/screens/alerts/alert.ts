// An alert of the monitor: how it stands, and what may be done about it.
import type { Tone } from "../../components/basics";

export interface Alert {
  alert: number;
  kind: string;
  name: string;
  actor_kind: string;
  role: string | null;
  step: string;
  patient: string | null;
  study: string | null;
  measure: string | null;
  counted: number;
  at_most: number;
  within_minutes: number;
  at_ms: number;
  stops: "suspend-export" | "suspend-session" | "freeze-account" | null;
  stops_until_ms: number | null;
  lifted_ms: number | null;
  lifted_by: string | null;
  acknowledged_ms: number | null;
  acknowledged_by: string | null;
  verdict: "true-positive" | "false-positive" | null;
  /** What adds up; of a freeze, the alert over which it was done. */
  explained: { reasons: { signal: string; count: number; points: number }[]; leaves: number[] } | { alert: number } | null;
}

/** No stop that ends by itself is as long. */
const LASTING_MS = 365 * 86_400_000;

type AlertState = "new" | "frozen" | "stopped" | "seen" | "true-positive" | "false-positive";

/** How it stands: who is stopped now comes before whether somebody looked at it. */
export function stateOf(alert: Alert, now_ms: number): AlertState {
  if (isStopping(alert, now_ms)) return alert.stops === "freeze-account" ? "frozen" : "stopped";
  if (alert.acknowledged_ms === null) return "new";
  return alert.verdict ?? "seen";
}

/** Whether it stops its person now. */
export function isStopping(alert: Alert, now_ms: number): boolean {
  return alert.stops !== null && alert.lifted_ms === null && alert.stops_until_ms !== null && now_ms < alert.stops_until_ms;
}

/** The freeze that holds for the person of an alert, if there is one. */
export function freezeOf(alert: Alert, all: readonly Alert[], now_ms: number): Alert | undefined {
  return all.find((one) => one.stops === "freeze-account" && one.name === alert.name && one.actor_kind === alert.actor_kind && isStopping(one, now_ms));
}

/** Whether it goes on until somebody lifts it: what was found right while it stopped ends in no lifetime. */
export function isLasting(alert: Alert): boolean {
  return alert.stops_until_ms !== null && alert.stops_until_ms - alert.at_ms > LASTING_MS;
}

/** Whether steps or stops of its person can be lifted: those that were climbed and are not over. */
export function isLiftable(alert: Alert, now_ms: number): boolean {
  if (isStopping(alert, now_ms)) return true;
  return alert.kind === "monitor-step" && alert.lifted_ms === null && alert.stops_until_ms !== null && now_ms < alert.stops_until_ms;
}

export const TONES: Record<AlertState, Tone> = {
  new: "warn",
  frozen: "bad",
  stopped: "bad",
  seen: "neutral",
  "true-positive": "bad",
  "false-positive": "good",
};
