// Draws a sample of the log, and reads it.
import { isFiltered, PAGE_ROWS_MAX, queryOf, type AuditFilters } from "../query";
import { fetchLeaf, fetchPage, type Row } from "../search";
import { Draws, newSeed, some } from "./draw";
import type { Drawn } from "./drawn";

export const SAMPLE_MAX = 50;
/** The most records that are read to draw among: ten pages of the largest size. */
export const READ_MAX = 10_000;
/** Requests at a time. */
const AT_ONCE = 4;

export interface Sample {
  rows: Row[];
  drawn: Drawn;
}

/** `log` and `size` are those of the checkpoint of the node that is asked. */
export async function drawSample(filters: AuditFilters, count: number, log: string, size: number, signal: AbortSignal): Promise<Sample> {
  const seed = newSeed();
  const sample = isFiltered(filters) ? await ofFitting(filters, count, seed, signal) : await ofNumbers(log, size, count, seed, signal);
  return { ...sample, rows: newestFirst(sample.rows) };
}

/** The records of a sample that was drawn before. */
export async function readSample(keys: { log: string; index: number }[], signal: AbortSignal): Promise<Row[]> {
  const read = await inTurns(keys, ({ log, index }) => fetchLeaf(log, index, signal));
  return newestFirst(read.filter((row) => row !== null));
}

// === helpers ===

async function ofNumbers(log: string, size: number, count: number, seed: string, signal: AbortSignal): Promise<Sample> {
  const draws = new Draws(seed);
  const seen = new Set<number>();
  const rows: Row[] = [];
  let redrawn = 0;
  while (rows.length < count && seen.size < size) {
    const wanted: number[] = [];
    while (wanted.length < count - rows.length && seen.size < size) {
      const index = await draws.below(size);
      if (seen.has(index)) continue;
      seen.add(index);
      wanted.push(index);
    }
    const read = await inTurns(wanted, (index) => fetchLeaf(log, index, signal));
    rows.push(...read.filter((row) => row !== null));
    redrawn += read.filter((row) => row === null).length;
  }
  return { rows, drawn: { kind: "all", of: size, redrawn, seed, filters: "" } };
}

async function ofFitting(filters: AuditFilters, count: number, seed: string, signal: AbortSignal): Promise<Sample> {
  const query = queryOf(filters, new Date());
  const rows: Row[] = [];
  let cursor: string | null = null;
  let whole = true;
  do {
    const asked = new URLSearchParams([...query, ["limit", String(PAGE_ROWS_MAX)], ...(cursor === null ? [] : [["cursor", cursor]])] as [string, string][]);
    const page: Awaited<ReturnType<typeof fetchPage>> = await fetchPage(`/api/v1/audit/search?${asked}`, signal);
    rows.push(...page.rows);
    whole &&= page.whole;
    cursor = page.next;
  } while (cursor !== null && rows.length < READ_MAX);
  // What is written from now on fits, too: who draws again ends at the newest that was drawn among.
  const newest = Math.max(0, ...rows.map((row) => row.leaf.time_ms));
  if (!query.has("until_ms") || Number(query.get("until_ms")) > newest + 1) query.set("until_ms", String(newest + 1));
  const kind = cursor === null && whole ? "filtered" : "cut";
  return { rows: await some(rows, count, new Draws(seed)), drawn: { kind, of: rows.length, redrawn: 0, seed, filters: String(query) } };
}

/** A few at a time, in order. */
async function inTurns<In, Out>(of: In[], work: (one: In) => Promise<Out>): Promise<Out[]> {
  const done: Out[] = [];
  for (let at = 0; at < of.length; at += AT_ONCE) done.push(...(await Promise.all(of.slice(at, at + AT_ONCE).map(work))));
  return done;
}

function newestFirst(rows: Row[]): Row[] {
  return [...rows].sort((one, other) => other.leaf.time_ms - one.leaf.time_ms || other.index - one.index);
}
