// From what somebody types and chooses to a search, and to words for what was found.
import type { paths } from "../../api/schema";
import { day } from "../../lib/time";

export interface StudyFilters {
  text?: string;
  modality?: string;
  date?: string;
  mine?: string;
}

type Route = paths["/api/v1/studies/search"]["get"];
type StudyQuery = NonNullable<Route["parameters"]["query"]>;
export type StudyPage = Route["responses"][200]["content"]["application/json"];
export type Study = StudyPage["studies"][number];

/** Rows that are asked for at a time; and for a file, as many as the server gives. */
const PAGE_ROWS = 50;
export const FILE_PAGE_ROWS = 200;

const MS_PER_DAY = 86_400_000;

/** One page of what fits, the newest first. */
export function queryOf(filters: StudyFilters, cursor: string | null, now: Date, limit = PAGE_ROWS): StudyQuery {
  const from = filters.date === "today" ? now : filters.date === "week" ? new Date(now.getTime() - 6 * MS_PER_DAY) : null;
  const text = (filters.text ?? "").trim();
  return {
    limit,
    ...(text === "" ? {} : { text }),
    ...(filters.modality ? { modality: [filters.modality] } : {}),
    ...(filters.mine === "true" ? { mine: true } : {}),
    ...(from ? { from: compact(from), until: compact(now) } : {}),
    ...(cursor === null ? {} : { cursor }),
  };
}

/** The address of the same, as a program would ask for it. */
export function addressOf(filters: StudyFilters, now: Date): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(queryOf(filters, null, now)))
    for (const one of Array.isArray(value) ? value : [value]) query.append(name, String(one));
  return `/api/v1/studies/search?${query}`;
}

/** What was typed, where it may be a whole patient ID: with a digit in it, and nothing between. */
export function exactPatientId(text: string): string {
  const id = text.trim();
  return /\d/.test(id) && !/\s/.test(id) ? id : "";
}

function compact(date: Date): string {
  return day(date.getTime()).replaceAll("-", "");
}
