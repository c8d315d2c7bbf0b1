// From the filters in the address to a search, and to the command that does the same.
import { quoted } from "../../lib/words";

export const FILTERS = [
  "actor", "device", "actor_kind", "action", "kind", "outcome", "patient", "study", "study_uid", "log", "when", "from_ms", "until_ms",
] as const;

export type Filter = (typeof FILTERS)[number];
export type AuditFilters = Partial<Record<Filter, string>>;

export const PAGE_ROWS = 100;
/** As many as the server gives at a time. */
export const PAGE_ROWS_MAX = 1000;

const MS_PER_DAY = 86_400_000;
const PASSED_ON = ["actor", "device", "actor_kind", "action", "kind", "outcome", "patient", "study", "study_uid", "log"] as const;

/** Days back from this morning of the spans that have a name. */
const SPANS: Record<string, number> = { today: 0, week: 6, month: 29 };

/** The query of a search, without its page. */
export function queryOf(filters: AuditFilters, now: Date): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of PASSED_ON) {
    const value = filters[name];
    // A device is an actor of a kind of its own; both at once would be refused.
    if (value && !(name === "actor" && filters.device) && !(name === "study" && filters.study_uid)) query.set(name, value);
  }
  const from = startOf(filters, now);
  if (from !== null) query.set("from_ms", String(from));
  if (filters.until_ms && /^\d+$/.test(filters.until_ms)) query.set("until_ms", filters.until_ms);
  return query;
}

export function addressOf(filters: AuditFilters, now: Date, cursor: string | null, limit: number): string {
  const query = queryOf(filters, now);
  query.set("limit", String(limit));
  if (cursor !== null) query.set("cursor", cursor);
  return `/api/v1/audit/search?${query}`;
}

/** The command that searches for the same; nothing where it has no word for a filter. */
export function commandOf(filters: AuditFilters, now: Date): string | undefined {
  const query = queryOf(filters, now);
  if (query.has("actor_kind") || query.has("study")) return undefined;
  const words = [...query].map(([name, value]) => `--${name === "study_uid" ? "study" : name.replaceAll("_", "-")} ${quoted(value)}`);
  return ["yingdun audit search", ...words].join(" ");
}

/** The span of a search in milliseconds, for what takes nothing else of it. */
export function spanOf(filters: AuditFilters, now: Date): { from_ms?: number; until_ms?: number } {
  const query = queryOf(filters, now);
  const ms = (name: "from_ms" | "until_ms") => (query.has(name) ? { [name]: Number(query.get(name)) } : {});
  return { ...ms("from_ms"), ...ms("until_ms") };
}

/** Whether anything narrows the search. */
export function isFiltered(filters: AuditFilters): boolean {
  return FILTERS.some((name) => filters[name] !== undefined && filters[name] !== "");
}

/** What somebody typed for a patient or a study. */
export function isReference(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

export function isUid(text: string): boolean {
  return text.length <= 64 && /^(0|[1-9]\d*)(\.(0|[1-9]\d*))+$/.test(text);
}

// === helpers ===

function startOf(filters: AuditFilters, now: Date): number | null {
  const days = SPANS[filters.when ?? ""];
  if (days !== undefined) {
    return new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() - days * MS_PER_DAY;
  }
  return filters.from_ms && /^\d+$/.test(filters.from_ms) ? Number(filters.from_ms) : null;
}
