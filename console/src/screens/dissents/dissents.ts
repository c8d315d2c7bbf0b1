// What patients have against whom, as the API tells it. Patients are pseudonyms here: who entered one knew the patient ID.

export const KINDS = ["person", "department", "sealed", "sharing", "research"] as const;
export type Kind = (typeof KINDS)[number];

export interface Dissent {
  dissent: string;
  patient: string;
  against: Kind;
  break_glass: boolean;
  valid_from_ms: number;
  valid_until_ms: number;
  given_by: string;
  name?: string;
  department?: string;
  names?: string[];
}

/** Behind this the calendar of browsers ends: what lasts until it is ended says more. */
const CALENDAR_END_MS = 8.64e15;

/** Until when, or nothing where it lasts until it is ended. */
export function untilOf(dissent: Dissent): number | null {
  return dissent.valid_until_ms > CALENDAR_END_MS ? null : dissent.valid_until_ms;
}

/** Whom it names, in the words of the record. */
export function namedBy(dissent: Dissent): string[] {
  return [...(dissent.name === undefined ? [] : [dissent.name]), ...(dissent.department === undefined ? [] : [dissent.department]), ...(dissent.names ?? [])];
}

export function fitting(all: Dissent[], filters: { text?: string; against?: string }): Dissent[] {
  const text = (filters.text ?? "").trim().toLowerCase();
  return all.filter(
    (one) =>
      (!filters.against || one.against === filters.against) &&
      [one.patient, one.given_by, ...namedBy(one)].some((word) => word.toLowerCase().includes(text)),
  );
}
