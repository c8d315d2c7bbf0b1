// Accounts as the API tells them, and which of them somebody looks for.
import type { paths } from "../../api/schema";
import type { Tone } from "../../components/basics";

export type Person = paths["/api/v1/people"]["get"]["responses"][200]["content"]["application/json"][number];

/** Where an account stands: without a password yet, without a role yet, in use, or disabled. */
type Standing = "disabled" | "invited" | "without-role" | "active";

export const TONES: Record<Standing, Tone> = { active: "good", invited: "accent", "without-role": "warn", disabled: "bad" };

export const OFFICERS = ["system-administrator", "security-administrator", "audit-administrator"];

export const ROLES = [
  "clinician", "radiologist", "specialist", "chief", "technician", "researcher", "remote-expert", "patient", "vendor", ...OFFICERS,
] as const;

export const STANDINGS: readonly Standing[] = ["active", "invited", "without-role", "disabled"];

export interface PeopleFilters {
  text?: string;
  role?: string;
  standing?: string;
}

export function standingOf(person: Person): Standing {
  if (person.disabled) return "disabled";
  if (!person.enrolled) return "invited";
  return person.roles.length === 0 ? "without-role" : "active";
}

export function isOfficer(person: Person): boolean {
  return person.roles.some((role) => OFFICERS.includes(role));
}

export function fitting(people: Person[], filters: PeopleFilters): Person[] {
  const text = (filters.text ?? "").trim().toLowerCase();
  return people.filter(
    (person) =>
      person.name.toLowerCase().includes(text) &&
      (!filters.role || person.roles.includes(filters.role)) &&
      (!filters.standing || standingOf(person) === filters.standing),
  );
}
