// What was checked, one step after the other, and how each came out.
import { same } from "../../../lib/bytes";
import type { Climb, Verification } from "../../../lib/tlog";

/**
 * `good` holds, `bad` does not, `open` could not be looked at. A merge holds nothing by itself: it is `computed`, or `changed` where it is known to give something
 * else than the untouched record gives.
 */
export type State = "good" | "bad" | "open" | "computed" | "changed";

type StepId = "leaf" | "path" | "merge" | "root" | "signature";

export interface Step {
  id: StepId;
  /** Which merge, from the leaf up. */
  level: number | null;
  state: State;
}

/** `untouched` is how it came out before somebody flipped a bit. */
export function stepsOf(found: Verification, untouched: Climb | null): Step[] {
  const { climb } = found;
  const step = (id: StepId, state: State, level: number | null = null): Step => ({ id, state, level });
  const differs = (level: number) => {
    const before = untouched?.levels[level];
    const now = climb.levels[level];
    return before !== undefined && now !== undefined && !same(before.parent, now.parent);
  };
  return [
    step("leaf", found.leafAsListed === null ? "computed" : found.leafAsListed ? "good" : "bad"),
    step("path", found.pathFits ? "good" : "bad"),
    ...climb.levels.map((_, level) => step("merge", differs(level) ? "changed" : "computed", level)),
    step("root", found.rootIsSigned ? "good" : "bad"),
    step("signature", signatureState(found.signature)),
  ];
}

/** The first step that does not hold. */
export function firstBroken(steps: Step[]): Step | null {
  return steps.find((step) => step.state === "changed" || step.state === "bad") ?? null;
}

// === helpers ===

function signatureState(of: Verification["signature"]): State {
  if (of === "fits") return "good";
  return of === "no-key" || of === "unable" ? "open" : "bad";
}
