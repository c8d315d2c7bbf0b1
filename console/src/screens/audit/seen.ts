// What this browser has seen of each log: a log only grows, so one that is shorter than it was, or has another root of the same size, was set
// back or forked. Checkpoints hold nothing of a patient, so they may stay behind.
import { base64 } from "../../lib/bytes";
import type { Checkpoint } from "../../lib/note";

interface Seen {
  size: number;
  root: string;
  at_ms: number;
}

export interface Contradiction extends Seen {
  kind: "shrunk" | "forked";
}

const KEPT = "yingdun.checkpoints";

/** Whether a head fits what was seen before. What fits is remembered, and what does not fit does not replace it. */
export function compareWithSeen(head: Checkpoint & { read_ms: number }): Contradiction | null {
  const all = read();
  const now: Seen = { size: head.size, root: base64(head.root), at_ms: head.read_ms };
  const found = contradiction(all[head.origin], now);
  if (found === null) {
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...all, [head.origin]: now }));
    } catch {
      // Then nothing is remembered, and nothing can be told.
    }
  }
  return found;
}

export function contradiction(before: Seen | undefined, now: Seen): Contradiction | null {
  if (before === undefined) return null;
  if (now.size < before.size) return { ...before, kind: "shrunk" };
  return now.size === before.size && now.root !== before.root ? { ...before, kind: "forked" } : null;
}

// === helpers ===

function read(): Record<string, Seen> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    return typeof kept === "object" && kept !== null ? (kept as Record<string, Seen>) : {};
  } catch {
    return {};
  }
}
