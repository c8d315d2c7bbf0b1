// Where slices lie, and what follows from it: their order, the slice of another series that belongs to one, and whether a stack is a volume.

export type Vector = readonly [number, number, number];

export interface Place {
  /** Image Position (Patient), in millimetres. */
  position: Vector;
  /** Image Orientation (Patient): the directions of rows and of columns. */
  row: Vector;
  column: Vector;
}

/** By how much the distances of slices may differ from each other before they are no volume any more, as a part of the distance. */
const UNEVEN_MAX = 0.05;

/** With fewer slices a cut across them shows nothing. */
const VOLUME_SLICES_MIN = 8;

/** How far along the direction in which slices follow each other, in millimetres; nothing where that is not known of all of them. */
export function depths(places: readonly (Place | null)[]): number[] | null {
  const first = places[0];
  if (!first) return null;
  const normal = cross(first.row, first.column);
  const found: number[] = [];
  for (const place of places) {
    if (place === null || !parallel(place, first)) return null;
    found.push(dot(place.position, normal));
  }
  return found;
}

/** Whether slices at these depths, in their order, are one volume: enough of them, evenly apart. */
export function isVolume(at: readonly number[] | null): boolean {
  if (at === null || at.length < VOLUME_SLICES_MIN) return false;
  const sorted = [...at].sort((one, other) => one - other);
  const step = (sorted[sorted.length - 1]! - sorted[0]!) / (sorted.length - 1);
  if (step <= 0) return false;
  return sorted.slice(1).every((depth, index) => Math.abs(depth - sorted[index]! - step) <= step * UNEVEN_MAX);
}

/** The slice at a depth, or the nearest to it. */
export function nearest(at: readonly number[], depth: number): number {
  let best = 0;
  at.forEach((one, index) => {
    if (Math.abs(one - depth) < Math.abs(at[best]! - depth)) best = index;
  });
  return best;
}

/** The slice of one series that belongs to a slice of another: by depth and what they are apart, or else by how far through. */
export function linked(
  from: { at: readonly number[] | null; index: number; count: number },
  to: { at: readonly number[] | null; count: number },
  apart_mm: number,
): number {
  if (from.at && to.at) return nearest(to.at, from.at[from.index]! + apart_mm);
  if (from.count < 2) return 0;
  return Math.round((from.index / (from.count - 1)) * (to.count - 1));
}

/** In which order slices are fetched while somebody looks at one: those around it first, and more of those that lie ahead. */
export function order(count: number, at: number, ahead: 1 | -1): number[] {
  const found: number[] = [at];
  let near = at - ahead;
  let far = at + ahead;
  const inside = (index: number) => index >= 0 && index < count;
  while (inside(near) || inside(far)) {
    for (let times = 0; times < 3 && inside(far); times += 1, far += ahead) found.push(far);
    if (inside(near)) found.push(near);
    near -= ahead;
  }
  return found;
}

/** Where a direction points in the patient: `L`, `PR` and the like (PS3.3 §C.7.6.1.1.1). */
export function letters(direction: Vector): string {
  const names = [
    ["L", "R"],
    ["P", "A"],
    ["H", "F"],
  ] as const;
  const length = Math.hypot(...direction);
  if (length === 0) return "";
  return direction
    .map((value, axis) => ({ size: Math.abs(value) / length, name: names[axis]![value > 0 ? 0 : 1] }))
    .filter(({ size }) => size > 0.3)
    .sort((one, other) => other.size - one.size)
    .map(({ name }) => name)
    .join("");
}

/** The same of a projection, of which only is said where its rows and columns point (Patient Orientation); nothing where that is not said. */
export function lettersBy(orientation: readonly string[], direction: Vector): string {
  const along = Math.abs(direction[0]) > Math.abs(direction[1]) ? 0 : 1;
  const said = (orientation[along] ?? "").toUpperCase();
  if (!/^[APLRHF]{1,3}$/.test(said)) return "";
  return direction[along] > 0 ? said : [...said].map((letter) => OPPOSITE[letter]).join("");
}

export function dot(one: Vector, other: Vector): number {
  return one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
}

export function cross(one: Vector, other: Vector): Vector {
  return [one[1] * other[2] - one[2] * other[1], one[2] * other[0] - one[0] * other[2], one[0] * other[1] - one[1] * other[0]];
}

// === helpers ===

const OPPOSITE: Record<string, string> = { A: "P", P: "A", L: "R", R: "L", H: "F", F: "H" };

function parallel(one: Place, other: Place): boolean {
  return dot(one.row, other.row) > 0.999 && dot(one.column, other.column) > 0.999;
}
