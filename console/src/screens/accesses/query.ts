// From the address to the question who looked at images, and to the command that asks the same.
import { quoted } from "../../lib/words";
import { isReference, isUid, spanOf as spanIn } from "../audit/query";

/** What names a patient, which is kept nowhere; and the rest. */
export const ABOUT = ["patient", "study", "study_uid"] as const;
export const SPAN = ["when", "from_ms", "until_ms"] as const;
export const FILTERS = [...ABOUT, ...SPAN] as const;
export type AccessFilters = Partial<Record<(typeof FILTERS)[number], string>>;

export type About = { patient: string } | { study: string } | { study_uid: string };

/** Whose images; nothing where the address names nobody. */
export function aboutOf(filters: AccessFilters): About | null {
  if (filters.study_uid && isUid(filters.study_uid)) return { study_uid: filters.study_uid };
  if (filters.study && isReference(filters.study)) return { study: filters.study };
  return filters.patient && isReference(filters.patient) ? { patient: filters.patient } : null;
}

/** From when until when: what stands in the address, or a span that has a name, which begins on a morning. */
export function spanOf(filters: AccessFilters, now: Date): { from_ms?: number; until_ms?: number } {
  const { when, from_ms, until_ms } = filters;
  return spanIn({ ...(when ? { when } : {}), ...(from_ms ? { from_ms } : {}), ...(until_ms ? { until_ms } : {}) }, now);
}

/** The command that asks the same; nothing where it has no word for it. A patient ID comes from standard input. */
export function commandOf(about: About, patientIsTyped: boolean, span: { from_ms?: number; until_ms?: number }): string | undefined {
  if (span.from_ms !== undefined || span.until_ms !== undefined) return undefined;
  if ("study_uid" in about) return `yingdun audit accesses --study ${quoted(about.study_uid)}`;
  return "patient" in about && patientIsTyped ? "yingdun audit accesses --patient-id-file -" : undefined;
}
