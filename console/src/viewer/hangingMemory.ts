// Which hanging protocol a person wants for each modality, kept for that person in this browser.
import { keep, kept } from "../lib/kept";
import { NAMES } from "./protocols";

/** The name of a protocol, or nothing where the study says it. */
export function wantedBy(person: string, modality: string): string | null {
  const name = read(person)[modality];
  return typeof name === "string" && NAMES.includes(name) ? name : null;
}

export function want(person: string, modality: string, name: string | null): void {
  const { [modality]: _, ...others } = read(person);
  keep(placeOf(person), name === null ? others : { ...others, [modality]: name });
}

// === helpers ===

function placeOf(person: string): string {
  return `viewer.hanging:${person}`;
}

function read(person: string): Record<string, unknown> {
  const found = kept(placeOf(person));
  return typeof found === "object" && found !== null && !Array.isArray(found) ? (found as Record<string, unknown>) : {};
}
