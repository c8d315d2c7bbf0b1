// Pure: which files go together, what came of each of them, and how far all of it is.
import type { DataSet } from "../../lib/dicom";
import type { Tone } from "../../components/basics";

/** What became of a file. */
export type Fate = "waiting" | "sending" | "new" | "version" | "duplicate" | "failed" | "notDicom";

export interface Item {
  /** Its place in the list; files may share a name. */
  key: number;
  name: string;
  bytes: number;
  fate: Fate;
  /** Why it failed, in the server's words, and by its code. */
  why: string;
  code: number | null;
}

/** Bytes and files of one request, at most: small enough that what breaks off costs little, and that there is progress to see. */
export const BATCH_BYTES = 16 * 1024 * 1024;
export const BATCH_FILES = 64;

export const TONES: Record<Fate, Tone> = {
  waiting: "neutral", sending: "accent", new: "good", version: "good", duplicate: "neutral", failed: "bad", notDicom: "warn",
};

/** The next files that go in one request: as many as fit, and at least one however large it is. */
export function nextBatch(items: Item[]): Item[] {
  const batch: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (item.fate !== "waiting") continue;
    if (batch.length > 0 && (bytes + item.bytes > BATCH_BYTES || batch.length >= BATCH_FILES)) break;
    batch.push(item);
    bytes += item.bytes;
  }
  return batch;
}

export interface Result {
  fate: Fate;
  why: string;
  code: number | null;
}

const WORDS: Record<string, Fate> = { NEW: "new", DUPLICATE: "duplicate", VERSION: "version" };

/** What the answer to STOW-RS (PS3.18 §10.5.3) says of each part, from 1. Every item names its part in (0009,1001). */
export function resultsOf(answer: DataSet): Map<number, Result> {
  const results = new Map<number, Result>();
  for (const item of items(answer, "00081199")) {
    const fate = WORDS[String(value(item, "00091002") ?? "")] ?? "new";
    results.set(Number(value(item, "00091001")), { fate, why: "", code: null });
  }
  for (const tag of ["00081198", "0008119A"]) {
    for (const item of items(answer, tag)) {
      const code = Number(value(item, "00081197"));
      results.set(Number(value(item, "00091001")), { fate: "failed", why: String(value(item, "00000902") ?? ""), code });
    }
  }
  return results;
}

export interface Tally {
  files: number;
  done: number;
  failed: number;
  left: number;
  bytes: number;
  bytes_done: number;
}

export function tallyOf(list: Item[]): Tally {
  const tally: Tally = { files: list.length, done: 0, failed: 0, left: 0, bytes: 0, bytes_done: 0 };
  for (const item of list) {
    tally.bytes += item.bytes;
    if (item.fate === "waiting" || item.fate === "sending") {
      tally.left += 1;
      continue;
    }
    tally.bytes_done += item.bytes;
    if (item.fate === "failed" || item.fate === "notDicom") tally.failed += 1;
    else tally.done += 1;
  }
  return tally;
}

// === helpers ===

function items(of: DataSet, tag: string): DataSet[] {
  return (of[tag]?.Value ?? []) as DataSet[];
}

function value(of: DataSet, tag: string): unknown {
  return of[tag]?.Value?.[0];
}
