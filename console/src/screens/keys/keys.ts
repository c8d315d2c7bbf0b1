// Keys in numbers, as the API tells them. No key leaves the server.
import type { Tone } from "../../components/basics";

export interface KeyVersion {
  grade: string;
  suite: string;
  version: number;
  state: "active" | "retired";
  uses: number;
  keys: number;
  created_ms: number;
  due_ms: number | null;
}

interface Rewrap {
  state: "running" | "stopped" | "done";
  begun_ms: number;
  keys_total: number;
  keys_done: number;
  worked_ms: number;
  keys_per_second: number | null;
  seconds_left: number | null;
}

export interface KeyNode {
  name: string;
  store: string | null;
  oldest_epoch: number | null;
  newest_epoch: number | null;
  keeps_old_epoch: boolean;
  gone_ms: number | null;
}

export interface Keys {
  patients: number;
  studies: number;
  rotate_after_days: number;
  uses_alarm: number;
  uses_max: number;
  keks: KeyVersion[];
  keys_left: number;
  epoch: number;
  nodes: KeyNode[];
  rewrap: Rewrap | null;
}

export interface Rotated {
  grade: string;
  suite: string;
  version_before: number;
  version: number;
}

const MS_PER_DAY = 86_400_000;

/** Whole days that a version has been there. */
export function ageDays(version: KeyVersion, now: number): number {
  return Math.max(0, Math.floor((now - version.created_ms) / MS_PER_DAY));
}

/** Where a version stands: due, soon, in use; or replaced, and still needed by keys that are wrapped under it. */
type Stand = "active" | "soon" | "due" | "overused" | "retired";

export function standOf(version: KeyVersion, keys: Pick<Keys, "uses_alarm">, now: number): Stand {
  if (version.state === "retired") return "retired";
  if (version.uses >= keys.uses_alarm) return "overused";
  if (version.due_ms === null) return "active";
  if (version.due_ms <= now) return "due";
  return version.due_ms - now < 14 * MS_PER_DAY ? "soon" : "active";
}

export const TONES: Record<Stand, Tone> = { active: "good", soon: "warn", due: "bad", overused: "bad", retired: "neutral" };

/** The active version that has to be replaced first. */
export function nextDue(versions: KeyVersion[]): KeyVersion | null {
  const due = versions.filter((version) => version.state === "active" && version.due_ms !== null);
  return due.sort((one, other) => (one.due_ms ?? 0) - (other.due_ms ?? 0))[0] ?? null;
}
