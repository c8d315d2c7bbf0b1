// What patients agreed to, as the API tells it. Patients are pseudonyms here: who entered one knew the patient ID.

export const KINDS = ["research", "sharing"] as const;
export type Kind = (typeof KINDS)[number];

export interface Consent {
  consent: string;
  patient: string;
  to: Kind;
  project: string | null;
  form: "paper" | "electronic";
  giver: "patient" | "guardian";
  reference: string | null;
  valid_from_ms: number;
  valid_until_ms: number;
  entered_by: string;
  withdrawn_ms: number | null;
  withdrawn_by: string | null;
}

/** Behind this the calendar of browsers ends: what lasts until it is withdrawn says more. */
const CALENDAR_END_MS = 8.64e15;

/** Until when, or nothing where it lasts until it is withdrawn. */
export function untilOf(consent: Consent): number | null {
  return consent.valid_until_ms > CALENDAR_END_MS ? null : consent.valid_until_ms;
}

export type State = "withdrawn" | "over" | "later" | "holds";

export function stateOf(consent: Consent, now_ms: number): State {
  if (consent.withdrawn_ms !== null) return "withdrawn";
  if (now_ms >= consent.valid_until_ms) return "over";
  return now_ms < consent.valid_from_ms ? "later" : "holds";
}

export function fitting(all: Consent[], filters: { text?: string; to?: string }): Consent[] {
  const text = (filters.text ?? "").trim().toLowerCase();
  return all.filter(
    (one) =>
      (!filters.to || one.to === filters.to) &&
      [one.patient, one.project ?? "", one.reference ?? "", one.entered_by].some((word) => word.toLowerCase().includes(text)),
  );
}
