// Replicas, their scrub and the compaction of packs, as the API tells them.
import type { Tone } from "../../components/basics";

interface ScrubPass {
  begun_ms: number;
  ended_ms: number;
  bytes: number;
  records: number;
  found: number;
  lost: number;
}

export interface Scrub {
  state: "resting" | "running";
  begun_ms: number | null;
  checked_bytes: number;
  bytes_left: number;
  checked_records: number;
  found: number;
  lost: number;
  bytes_per_second: number;
  last: ScrubPass | null;
}

/** A replica that counts for the quorum (`sync`), or one in another building (`async`), of which less is known. */
export interface Replica {
  replica: number;
  label: string;
  failure_domain: string;
  state: string;
  reason?: string;
  packs: number;
  bytes: number;
  scrub: Scrub;
  lag_bytes: number;
  mode: "sync" | "async";
  free_bytes?: number;
  quarantined?: number;
  awaiting_repair?: number;
  bytes_awaiting_repair?: number;
  needed_packs?: number;
  repaired?: number;
  same_device_as?: number[];
  same_domain_as?: number[];
  address?: string;
  lag_packs?: number;
  lag_seconds?: number;
  behind?: boolean;
  unknown_packs?: number;
}

export interface Store {
  write_quorum: number;
  write_domains: number;
  domains: { name: string; replicas: number[]; writable: boolean }[];
  short_of: string | null;
  writable: boolean;
  packs: number;
  bytes: number;
  replicas: Replica[];
  offsite: Replica[];
}

export interface Compaction {
  state: "resting" | "running";
  dry_run: boolean;
  begun_ms: number | null;
  ended_ms: number | null;
  packs_left: number;
  packs_seen: number;
  dead_bytes: number;
  dead_packs: number;
  dead_packs_bytes: number;
  dead_percent: number;
  sparse_packs: number;
  sparse_packs_bytes: number;
  rewritten_packs: number;
  copied_bytes: number;
  removed_packs: number;
  removed_bytes: number;
  kept: { pack: string; why: string }[];
  waits_for: string | null;
  failure: string | null;
}

export const TONES: Record<string, Tone> = {
  ready: "good", full: "warn", missing: "bad", failed: "bad", draining: "warn", drained: "neutral", connecting: "accent", unreachable: "bad",
};

/** From 0 to 1: how far the pass is that is under way. */
export function scrubPart(scrub: Scrub): number {
  const all = scrub.checked_bytes + scrub.bytes_left;
  return all === 0 ? 0 : scrub.checked_bytes / all;
}

/** How long the pass takes at the pace at which it reads, at most. */
export function scrubSeconds(scrub: Scrub): number | null {
  return scrub.state === "running" && scrub.bytes_per_second > 0 ? Math.ceil(scrub.bytes_left / scrub.bytes_per_second) : null;
}

/** What a replica waits to be filled with, from 0 to 1, or nothing where it is whole. */
export function fillPart(replica: Replica, whole_bytes: number): number | null {
  const missing = replica.bytes_awaiting_repair ?? 0;
  return missing === 0 || whole_bytes === 0 ? null : Math.max(0, 1 - missing / whole_bytes);
}

/** Whether something runs that is worth looking at again soon. */
export function isMoving(replicas: Replica[]): boolean {
  return replicas.some(
    (replica) =>
      replica.scrub.state === "running" ||
      replica.state === "draining" ||
      replica.state === "connecting" ||
      (replica.awaiting_repair ?? 0) > 0 ||
      replica.lag_bytes > 0,
  );
}

/** What replicas found in all, in the pass that runs or else in the last one. */
export function findings(replicas: Replica[]): { found: number; lost: number } {
  const passes = replicas.map(({ scrub }) => (scrub.state === "running" ? scrub : (scrub.last ?? scrub)));
  return { found: sum(passes.map((pass) => pass.found)), lost: sum(passes.map((pass) => pass.lost)) };
}

/** When everything had been checked: the oldest of the last full passes, or nothing where a replica had none. */
export function checkedSince(replicas: Replica[]): number | null {
  const ends = replicas.map(({ scrub }) => scrub.last?.ended_ms ?? null);
  return ends.length === 0 || ends.includes(null) ? null : Math.min(...(ends as number[]));
}

/** Room for more: a record goes to as many replicas as the quorum says, so that many of the fullest decide. */
export function roomBytes(replicas: Replica[], quorum: number): number {
  const free = replicas
    .filter((replica) => replica.mode === "sync" && ["ready", "full"].includes(replica.state))
    .map((replica) => replica.free_bytes ?? 0)
    .sort((one, other) => other - one);
  return free[quorum - 1] ?? 0;
}

/** Names of the replicas that are lost with one, for the same disk or the same domain. */
export function lostTogether(replica: Replica, all: Replica[]): string[] {
  const with_it = [...(replica.same_device_as ?? []), ...(replica.same_domain_as ?? [])];
  return all.filter((other) => with_it.includes(other.replica)).map((other) => other.label);
}

// === helpers ===

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
