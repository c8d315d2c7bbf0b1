// What the panes that the server fills share: the tool that is in hand, and what was measured in which slice, as long as the viewer is open.
import { createContext } from "react";
import type { Tool } from "../keys";
import type { Measure } from "./measures";

/** Measures by the name of their slice. Panes that show the same slice show the same measures. */
export class Measures {
  private readonly of = new Map<string, readonly Measure[]>();
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  in(slice: string): readonly Measure[] {
    return this.of.get(slice) ?? NONE;
  }

  set(slice: string, measures: readonly Measure[]): void {
    this.of.set(slice, measures);
    for (const listener of this.listeners) listener();
  }
}

export interface DeskState {
  tool: Tool;
  measures: Measures;
}

export const Desk = createContext<DeskState>({ tool: "window", measures: new Measures() });

// === helpers ===

const NONE: readonly Measure[] = [];
