// Stacks that are scrolled together: the slice of one that belongs to a slice of another.
import { linked } from "./geometry";
import { alongside } from "./planes";
import type { Stack } from "./study";

/** Nothing where slices of the two lie across each other. */
export function follows(from: Stack, index: number, to: Stack, apart_mm: number): number | null {
  const depths = sameWay(from, to);
  if (depths === "across") return null;
  return linked({ at: from.at, index, count: from.slices.length }, { at: depths, count: to.slices.length }, apart_mm);
}

/** How far apart two slices lie that are to stay beside each other, in millimetres. Slices of one frame of reference lie where they lie. */
export function apartOf(leader: Stack, at: number, other: Stack, slice: number): number {
  const depths = sameWay(leader, other);
  if (depths === "across" || depths === null || !leader.at) return 0;
  if (other.frameOfReference !== "" && other.frameOfReference === leader.frameOfReference) return 0;
  return (depths[slice] ?? 0) - (leader.at[at] ?? 0);
}

/** The slice of one that lies at the level of a slice of another: where both lie in one frame of reference, and else as far down the stack. */
export function levelOf(from: Stack, index: number, to: Stack): number | null {
  const isOneFrame = from.frameOfReference !== "" && from.frameOfReference === to.frameOfReference;
  if (isOneFrame) return follows(from, index, to, 0);
  return linked({ at: null, index, count: from.slices.length }, { at: null, count: to.slices.length }, 0);
}

// === helpers ===

/** Where the slices of one lie in the direction of the other. */
function sameWay(one: Stack, other: Stack): number[] | null | "across" {
  const [first, second] = [one.slices[0]?.place, other.slices[0]?.place];
  if (!one.at || !other.at || !first || !second) return other.at;
  const way = alongside(first, second);
  return way === 0 ? "across" : other.at.map((depth) => depth * way);
}
