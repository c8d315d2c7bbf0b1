// Where the parts of the drawing stand: the path from the root down to the leaf, each sibling across from it, and a fold where the tree is
// too deep to be drawn whole.
import type { Climb } from "../../../lib/tlog";

export interface Place {
  x: number;
  y: number;
}

interface DrawnLevel {
  /** Which level, from the leaf up: its node is below, its parent above. */
  level: number;
  node: Place;
  sibling: Place;
  parent: Place;
}

interface Drawing {
  levels: DrawnLevel[];
  leaf: Place;
  root: Place;
  /** The levels that are folded in, and where. */
  fold: { count: number; from: Place; to: Place } | null;
  left: number;
  right: number;
  bottom: number;
}

export const NODE = { width: 132, height: 42 } as const;
/** The record itself, below its hash. */
export const CARD = { width: 224, height: 52 } as const;

const STEP = { x: 82, y: 76 } as const;
/** A path that keeps to one side runs down along this line, so that a deep tree stays narrow. */
const SIDE_MAX = 164;
/** More levels than these are folded in the middle. */
export const WHOLE_MAX = 9;
const TOP = 4;
const BOTTOM = 4;

export function layout(climb: Climb, unfolded: boolean): Drawing {
  const depth = climb.levels.length;
  const folds = !unfolded && depth > WHOLE_MAX;
  const levels: DrawnLevel[] = [];
  let fold: Drawing["fold"] = null;
  let at: Place = { x: 0, y: 0 };
  for (let level = depth - 1; level >= 0; level -= 1) {
    if (folds && level === depth - 1 - TOP) {
      const to = { x: at.x, y: at.y + STEP.y };
      fold = { count: depth - TOP - BOTTOM, from: at, to };
      at = to;
      level = BOTTOM - 1;
    }
    const side = climb.levels[level]?.side === "left" ? 1 : -1;
    const node = { x: within(at.x + side * STEP.x), y: at.y + STEP.y };
    levels.push({ level, node, sibling: { x: node.x - side * 2 * STEP.x, y: node.y }, parent: at });
    at = node;
  }
  const card = CARD.width / 2 - NODE.width / 2;
  const xs = [0, at.x - card, at.x + card, ...levels.flatMap(({ node, sibling }) => [node.x, sibling.x])];
  return {
    levels,
    leaf: at,
    root: { x: 0, y: 0 },
    fold,
    left: Math.min(...xs) - NODE.width / 2,
    right: Math.max(...xs) + NODE.width / 2,
    bottom: at.y + NODE.height / 2,
  };
}

// === helpers ===

function within(x: number): number {
  return Math.max(-SIDE_MAX, Math.min(SIDE_MAX, x));
}
