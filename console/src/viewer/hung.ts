// What hangs where when a study is opened: the protocol that fits, in as many panes as there is room for.
import { wantedBy } from "./hangingMemory";
import { choose, modalityOf, narrowed, type Case, type Hanging, type Shape } from "./protocols";
import type { Study } from "./study";

export const GRID: Record<Shape, string> = {
  one: "grid-cols-1",
  two: "grid-cols-2 max-md:grid-cols-1 max-md:grid-rows-2",
  four: "grid-cols-2 grid-rows-2",
};

/** Below this protocols hang in one pane: two would be too small to read. */
const NARROW = "(max-width: 767px)";

export function roomed(hanging: Hanging): Hanging {
  return matchMedia(NARROW).matches ? narrowed(hanging) : hanging;
}

/** What hangs when a study is opened; nothing where it has documents alone. Another study is not opened before somebody looks at this one. */
export function hungAtFirst(study: Study, seen: Case, person: string): Hanging | null {
  const found = study.series.length > 0 ? choose(seen, null, wantedBy(person, modalityOf(seen))) : null;
  return found && roomed(found);
}
