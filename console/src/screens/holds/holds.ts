// Legal holds as the API tells them: what is held is not destroyed.
import type { Tone } from "../../components/basics";

export const REASONS = ["litigation", "investigation", "incident", "ordered", "trial"] as const;
export const RELEASES = ["ended", "ordered", "mistake", "trial"] as const;
export type Reason = (typeof REASONS)[number];
export type Release = (typeof RELEASES)[number];

export interface Hold {
  id: string;
  state: "held" | "release-requested" | "released";
  subject: "study" | "patient";
  uid?: string;
  study?: string;
  patient?: string;
  reason: string;
  placed_by: string;
  placed_ms: number;
  placed_leaf: number;
  release_requested_by?: string;
  release_requested_ms?: number;
  release_reason?: string;
  released_by?: string;
  released_ms?: number;
}

export const STATES = ["held", "release-requested", "released"] as const;
export const TONES: Record<Hold["state"], Tone> = { held: "accent", "release-requested": "warn", released: "neutral" };

/** By what the one that is held is known: its UID as long as it is held, else the pseudonym of the log. */
export function nameOf(hold: Hold): string {
  return hold.uid ?? hold.study ?? hold.patient ?? hold.id;
}

/** What somebody may do about it; who asked for the release does not approve it. */
export function stepsFor(hold: Hold, me: string, actions: readonly string[]): { ask: boolean; approve: boolean; withdraw: boolean } {
  const requested = hold.state === "release-requested";
  const manages = actions.includes("manage-holds");
  const approves = actions.includes("approve-release");
  return {
    ask: hold.state === "held" && manages,
    approve: requested && approves && hold.release_requested_by !== me,
    withdraw: requested && (manages || approves),
  };
}

export function fitting(all: Hold[], filters: { text?: string; state?: string }): Hold[] {
  const text = (filters.text ?? "").trim().toLowerCase();
  return all.filter(
    (one) =>
      (!filters.state || one.state === filters.state) &&
      [nameOf(one), one.id, one.placed_by].some((word) => word.toLowerCase().includes(text)),
  );
}
