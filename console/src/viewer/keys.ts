// The keyboard of the viewer, as it is usual; whoever wants it otherwise changes it (`bindings.ts`). Letters and digits count by their place on the keyboard, so that they work whatever language is being typed.
import { bindings, chordOf, nameOf, shownOf, toldOf } from "./bindings";

export type Command =
  | { do: "move"; slices: number }
  | { do: "edge"; last: boolean }
  | { do: "series"; by: 1 | -1 }
  | { do: "pane"; by: 1 | -1 }
  | { do: "tool"; tool: Tool }
  | { do: "preset"; preset: number }
  | { do: "invert" | "flipHorizontal" | "flipVertical" | "rotate" | "reset" | "remove" | "cine" | "layout" | "mpr" | "compare" | "link" | "keyImage" | "capture" | "print" | "help" | "leave" | "fit" | "hang" | "lines" }
  | { do: "study" | "prior"; by: 1 | -1 }
  | { do: "speed"; by: 1 | -1 };

export type Tool = "window" | "zoom" | "pan" | "length" | "angle" | "ellipse" | "rectangle" | "crosshair";

/** Those for every pane; crosshairs are for cuts. */
export const TOOLS: readonly Tool[] = ["window", "zoom", "pan", "length", "angle", "ellipse", "rectangle"];

/** What the keys do, in the order of the help: key, the name of it among the texts (`keys.<name>`), and what happens. */
export const KEYS: readonly { code: string; name: string; command: Command }[] = [
  { code: "ArrowDown", name: "next", command: { do: "move", slices: 1 } },
  { code: "ArrowUp", name: "previous", command: { do: "move", slices: -1 } },
  { code: "ArrowRight", name: "tenOn", command: { do: "move", slices: 10 } },
  { code: "ArrowLeft", name: "tenBack", command: { do: "move", slices: -10 } },
  { code: "Home", name: "first", command: { do: "edge", last: false } },
  { code: "End", name: "last", command: { do: "edge", last: true } },
  { code: "PageDown", name: "nextSeries", command: { do: "series", by: 1 } },
  { code: "PageUp", name: "previousSeries", command: { do: "series", by: -1 } },
  { code: "Control+ArrowRight", name: "laterStudy", command: { do: "study", by: 1 } },
  { code: "Control+ArrowLeft", name: "earlierStudy", command: { do: "study", by: -1 } },
  { code: "Control+ArrowDown", name: "earlierPrior", command: { do: "prior", by: -1 } },
  { code: "Control+ArrowUp", name: "laterPrior", command: { do: "prior", by: 1 } },
  { code: "KeyE", name: "nextPane", command: { do: "pane", by: 1 } },
  { code: "KeyQ", name: "previousPane", command: { do: "pane", by: -1 } },
  { code: "Space", name: "cine", command: { do: "cine" } },
  { code: "BracketRight", name: "faster", command: { do: "speed", by: 1 } },
  { code: "BracketLeft", name: "slower", command: { do: "speed", by: -1 } },
  { code: "KeyW", name: "window", command: { do: "tool", tool: "window" } },
  { code: "KeyZ", name: "zoom", command: { do: "tool", tool: "zoom" } },
  { code: "KeyP", name: "pan", command: { do: "tool", tool: "pan" } },
  { code: "KeyL", name: "length", command: { do: "tool", tool: "length" } },
  { code: "KeyA", name: "angle", command: { do: "tool", tool: "angle" } },
  { code: "KeyO", name: "ellipse", command: { do: "tool", tool: "ellipse" } },
  { code: "KeyB", name: "rectangle", command: { do: "tool", tool: "rectangle" } },
  { code: "Delete", name: "remove", command: { do: "remove" } },
  ...Array.from({ length: 9 }, (_, index) => ({
    code: `Digit${index + 1}`,
    name: `preset${index + 1}`,
    command: { do: "preset", preset: index } as const,
  })),
  { code: "KeyI", name: "invert", command: { do: "invert" } },
  { code: "KeyX", name: "flipHorizontal", command: { do: "flipHorizontal" } },
  { code: "KeyY", name: "flipVertical", command: { do: "flipVertical" } },
  { code: "KeyR", name: "rotate", command: { do: "rotate" } },
  { code: "KeyF", name: "fit", command: { do: "fit" } },
  { code: "Digit0", name: "reset", command: { do: "reset" } },
  { code: "KeyH", name: "hang", command: { do: "hang" } },
  { code: "KeyG", name: "layout", command: { do: "layout" } },
  { code: "KeyM", name: "mpr", command: { do: "mpr" } },
  { code: "KeyT", name: "crosshair", command: { do: "tool", tool: "crosshair" } },
  { code: "Shift+KeyT", name: "lines", command: { do: "lines" } },
  { code: "KeyC", name: "compare", command: { do: "compare" } },
  { code: "KeyK", name: "keyImage", command: { do: "keyImage" } },
  { code: "KeyJ", name: "link", command: { do: "link" } },
  { code: "KeyS", name: "capture", command: { do: "capture" } },
  // Also wherever the page sees it before the browser prints (`copies/signals.ts`).
  { code: "Control+KeyP", name: "print", command: { do: "print" } },
  { code: "Backspace", name: "leave", command: { do: "leave" } },
  { code: "?", name: "help", command: { do: "help" } },
];

/** What a key does for who reads, or nothing: then it belongs to the browser. */
export function commandOf(event: { key: string; code: string; ctrlKey: boolean; altKey: boolean; metaKey: boolean; shiftKey?: boolean }): Command | null {
  const chord = chordOf(event);
  const name = chord === null ? null : nameOf(chord, bindings());
  return KEYS.find((key) => key.name === name)?.command ?? null;
}

/** The key of a command, as it is shown beside what does the same by mouse. */
export function shownFor(name: string): string {
  return shownOf(bindings()[name] ?? "");
}

/** The same for those who are told of it (`aria-keyshortcuts`); nothing where it has none. */
export function toldFor(name: string): string | undefined {
  return toldOf(bindings()[name] ?? "") || undefined;
}
