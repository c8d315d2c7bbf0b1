// Rights for a while, of three kinds, as one list: what somebody was given, took in an emergency, or is asked as an expert.
import type { BrokenGlass, Consultation, Grant } from "../../api/rows";

export type Kind = "grant" | "break-glass" | "consultation";
export type State = "coming" | "open" | "ended" | "over";
export type Side = "given" | "received" | "others";

interface Common {
  /** Names it in the address. */
  key: string;
  id: number;
  /** Who has it. */
  name: string;
  /** Who gave it; nobody gives broken glass. */
  by: string | null;
  patient: string | null;
  study: string | null;
  reason: string | null;
  given_ms: number;
  from_ms: number;
  until_ms: number;
  ended_ms: number | null;
  ended_by: string | null;
  isOpen: boolean;
}

export type Entry = Common & ({ kind: "grant"; row: Grant } | { kind: "break-glass"; row: BrokenGlass } | { kind: "consultation"; row: Consultation });

interface Person {
  name: string;
  actions: readonly string[];
}

/** All of them, what is open first, then the newest. */
export function entriesOf(grants: Grant[], glass: BrokenGlass[], consultations: Consultation[]): Entry[] {
  const entries: Entry[] = [
    ...grants.map((row): Entry => ({ ...ofGrant(row), key: `grant-${row.grant}`, by: row.given_by, kind: "grant", row })),
    ...glass.map((row): Entry => ({ ...ofGrant(row), key: `break-glass-${row.grant}`, by: null, kind: "break-glass", row })),
    ...consultations.map((row): Entry => ({ ...ofConsultation(row), kind: "consultation", row })),
  ];
  return entries.sort((one, other) => Number(other.isOpen) - Number(one.isOpen) || other.given_ms - one.given_ms);
}

/** How it stands now. */
export function stateOf(entry: Entry, now_ms: number): State {
  if (entry.ended_ms !== null && entry.ended_ms <= now_ms) return entry.ended_by === null ? "over" : "ended";
  if (now_ms >= entry.until_ms) return "over";
  return now_ms < entry.from_ms ? "coming" : "open";
}

/** Whether somebody gave it, has it, or only may see it. */
export function sideOf(entry: Entry, name: string): Side {
  if (entry.by === name) return "given";
  return entry.name === name ? "received" : "others";
}

/** Whether this person may end it now: who gave or has it, and the security administrator. An expert completes a consultation. */
export function endingOf(entry: Entry, person: Person, now_ms: number): "end" | "complete" | null {
  const state = stateOf(entry, now_ms);
  if (state !== "open" && state !== "coming") return null;
  const side = sideOf(entry, person.name);
  const isOfficer = person.actions.includes("manage-rights");
  if (entry.kind === "consultation" && side === "received") return "complete";
  return side !== "others" || isOfficer ? "end" : null;
}

// === helpers ===

function ofGrant(row: Grant | BrokenGlass) {
  return {
    id: row.grant,
    name: row.name,
    patient: row.patient,
    study: row.study,
    reason: row.reason,
    given_ms: row.given_ms,
    from_ms: row.valid_from_ms,
    until_ms: row.valid_until_ms,
    ended_ms: row.ended_ms,
    ended_by: row.ended_by,
    isOpen: row.open,
  };
}

function ofConsultation(row: Consultation) {
  return {
    key: `consultation-${row.consultation}`,
    id: row.consultation,
    name: row.name,
    by: row.assigned_by,
    patient: row.patient,
    study: row.study,
    reason: row.reason,
    given_ms: row.assigned_ms,
    from_ms: row.valid_from_ms,
    until_ms: row.valid_until_ms,
    ended_ms: row.ended_ms,
    ended_by: row.ended_by,
    isOpen: row.open,
  };
}
