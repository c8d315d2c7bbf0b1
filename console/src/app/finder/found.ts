// What the palette offers for what was typed, and how the keyboard goes through it.
import type { Study } from "../../screens/studies/query";

export interface Offer {
  key: string;
  name: string;
  /** What else tells it from others. */
  beside: string;
  to: string;
}

export interface Group {
  name: "screens" | "studies" | "people" | "devices";
  offers: Offer[];
}

/** Of each kind: more of them are for the list. */
export const OFFERED_MAX = 6;

const holds = (sought: string, ...words: string[]) => words.some((word) => word.toLowerCase().includes(sought));

/** Screens by their name in either language of the address and the menu; all of them where nothing was typed. */
export function screensFor(typed: string, screens: readonly { path: string; name: string }[]): Offer[] {
  const sought = typed.trim().toLowerCase();
  return screens
    .filter(({ path, name }) => holds(sought, name, path))
    .map(({ path, name }) => ({ key: `screen-${path}`, name, beside: "", to: `/${path}` }));
}

/** People or devices by their names; none before something was typed. */
export function namedFor(typed: string, kind: "person" | "device", names: readonly { name: string; beside: string }[]): Offer[] {
  const sought = typed.trim().toLowerCase();
  if (sought === "") return [];
  return names
    .filter(({ name }) => holds(sought, name))
    .slice(0, OFFERED_MAX)
    .map(({ name, beside }) => ({ key: `${kind}-${name}`, name, beside, to: `/${kind === "person" ? "people" : "devices"}?${kind}=${encodeURIComponent(name)}` }));
}

/** Studies as the server found them, opened where somebody may look, and else chosen in the list. */
export function studiesFor(studies: readonly Study[], words: (study: Study) => { name: string; beside: string }, placeOf: (study: Study) => string): Offer[] {
  return studies.slice(0, OFFERED_MAX).map((study) => ({ key: `study-${study.study_uid}`, ...words(study), to: placeOf(study) }));
}

/** The place of the next offer, around the ends. */
export function nextOf(at: number, by: 1 | -1, count: number): number {
  return count === 0 ? 0 : (at + by + count) % count;
}
