// Where planes through a patient meet: lines of reference between slices, and crosshairs.
import { cross, dot, type Place, type Vector } from "./geometry";

export interface Plane {
  point: Vector;
  normal: Vector;
}

/** Planes that are nearly parallel meet nowhere that tells anything: the sine of twelve degrees. */
const PARALLEL_MAX = 0.2;

export function planeOf(place: Place): Plane {
  return { point: place.position, normal: cross(place.row, place.column) };
}

/** Whether slices follow each other in the same direction (1), against it (-1), or neither (0): then they are not scrolled together by where they lie. */
export function alongside(one: Place, other: Place): 1 | -1 | 0 {
  const between = dot(planeOf(one).normal, planeOf(other).normal);
  return between > 0.98 ? 1 : between < -0.98 ? -1 : 0;
}

/** The corners of a slice, around it: spacing is that of rows and of columns, in millimetres. */
export function corners(place: Place, spacing: readonly [number, number], rows: number, columns: number): Vector[] {
  const wide = (columns - 1) * spacing[1];
  const high = (rows - 1) * spacing[0];
  return [
    [0, 0],
    [wide, 0],
    [wide, high],
    [0, high],
  ].map(([x, y]) => add(add(place.position, place.row, x!), place.column, y!));
}

/** From where to where a plane cuts a slice, in the patient; nothing where it does not. */
export function cut(slice: readonly Vector[], plane: Plane): [Vector, Vector] | null {
  const [first, second, third] = slice;
  if (!first || !second || !third) return null;
  const normal = unit(cross(subtract(second, first), subtract(third, second)));
  if (length(cross(normal, unit(plane.normal))) < PARALLEL_MAX) return null;
  const found: Vector[] = [];
  slice.forEach((from, index) => {
    const to = slice[(index + 1) % slice.length]!;
    const [a, b] = [height(from, plane), height(to, plane)];
    // A corner on the plane belongs to the edge that begins there.
    if (a === 0) found.push(from);
    else if (a * b < 0) found.push(add(from, subtract(to, from), a / (a - b)));
  });
  return found.length >= 2 ? [found[0]!, found[1]!] : null;
}

/** The line in which two planes meet: a point of it, the nearest to `near`, and its direction. */
export function meet(one: Plane, other: Plane, near: Vector): { point: Vector; direction: Vector } | null {
  const [a, b] = [unit(one.normal), unit(other.normal)];
  const along = cross(a, b);
  if (length(along) < PARALLEL_MAX) return null;
  const direction = unit(along);
  // Onto one plane, and then within it onto the other.
  const on = add(near, a, -height(near, { point: one.point, normal: a }));
  const within = cross(direction, a);
  const point = add(on, within, -height(on, { point: other.point, normal: b }) / dot(within, b));
  return { point, direction };
}

/** How far a point is from a plane, on the side of its normal. */
export function height(point: Vector, plane: Plane): number {
  return dot(subtract(point, plane.point), plane.normal);
}

export function add(to: Vector, direction: Vector, times: number): Vector {
  return [to[0] + direction[0] * times, to[1] + direction[1] * times, to[2] + direction[2] * times];
}

// === helpers ===

function subtract(one: Vector, other: Vector): Vector {
  return [one[0] - other[0], one[1] - other[1], one[2] - other[2]];
}

function length(of: Vector): number {
  return Math.hypot(...of);
}

function unit(of: Vector): Vector {
  const long = length(of);
  return long === 0 ? of : [of[0] / long, of[1] / long, of[2] / long];
}
