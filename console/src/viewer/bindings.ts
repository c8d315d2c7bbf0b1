// Which key does what, as a person wants it: what differs from the usual, kept for that person in this browser, given away and taken in as a file.
import { kept, useKept } from "../lib/kept";
import { KEYS } from "./keys";

/** By the name of a command its chord, such as `KeyW`, `Shift+KeyT` or `Control+ArrowLeft`; the empty one is no key. */
export type Bindings = Readonly<Record<string, string>>;

export type Fault =
  | { kind: "format" }
  | { kind: "unknown"; name: string }
  | { kind: "reserved"; chord: string }
  | { kind: "taken"; chord: string; name: string; by: string };

/** A file of keys is short; what is longer is something else. */
export const FILE_BYTES_MAX = 64 * 1024;

const PRINT = "Control+KeyP";

interface Pressed {
  key: string;
  code: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  shiftKey?: boolean;
}

/** What is usual. */
export function usual(): Bindings {
  return Object.fromEntries(KEYS.map(({ name, code }) => [name, code]));
}

/** The chord that is pressed; nothing while only Shift or the like is held. Digits of the pad are digits. */
export function chordOf(event: Pressed): string | null {
  if (/^(Shift|Control|Alt|Meta|OS)(Left|Right)?$/.test(event.code) || event.code === "") return null;
  if (event.key === "?" && !event.ctrlKey && !event.altKey && !event.metaKey) return "?";
  const held = [event.ctrlKey && "Control", event.altKey && "Alt", event.metaKey && "Meta", event.shiftKey === true && "Shift"].filter((one) => one !== false);
  return [...held, event.code.replace(/^Numpad(\d)$/, "Digit$1")].join("+");
}

/** A chord as it is written on keys. */
export function shownOf(chord: string): string {
  return chord
    .split("+")
    .map((part) => SIGNS[part] ?? CHARACTERS[part] ?? part.replace(/^(Key|Digit)/, ""))
    .join("+");
}

/** A chord in the words of WAI-ARIA: what is held, and the value that the key has for programs. */
export function toldOf(chord: string): string {
  return chord
    .split("+")
    .map((part) => CHARACTERS[part] ?? part.replace(/^(Key|Digit)/, ""))
    .join("+");
}

/** Whether a chord belongs to the browser, to the system, or to whoever works this page by keyboard alone. */
export function isReserved(chord: string): boolean {
  // The page takes it wherever it is pressed.
  if (chord === PRINT) return true;
  if (KEYS.some((key) => key.code === chord)) return false;
  const parts = chord.split("+");
  const key = parts.at(-1)!;
  if (parts.includes("Meta") || parts.includes("Alt")) return true;
  if (parts.includes("Control")) return !/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(key);
  return /^(Escape|Tab|Enter|NumpadEnter|ContextMenu|PrintScreen|CapsLock|NumLock|ScrollLock|F\d+|Unidentified|Lang\d|Convert|NonConvert|KanaMode)$/.test(key);
}

/** All keys, when a person wants some otherwise. What else had such a key has none then. */
export function merged(wanted: Readonly<Record<string, string>>): Bindings {
  const taken = new Set(Object.values(wanted).filter((chord) => chord !== ""));
  return Object.fromEntries(Object.entries(usual()).map(([name, chord]) => [name, wanted[name] ?? (taken.has(chord) ? "" : chord)]));
}

/** What differs from the usual. */
export function differences(bindings: Bindings): Record<string, string> {
  return Object.fromEntries(Object.entries(usual()).flatMap(([name, chord]) => (bindings[name] === chord ? [] : [[name, bindings[name] ?? ""]])));
}

/** Another key for a command, or why not. */
export function rebound(bindings: Bindings, name: string, chord: string): Bindings | Fault {
  if (!(name in bindings)) return { kind: "unknown", name };
  if (isReserved(chord) || bindings[name] === PRINT) return { kind: "reserved", chord };
  const by = nameOf(chord, bindings);
  if (by !== null && by !== name) return { kind: "taken", chord, name, by };
  return { ...bindings, [name]: chord };
}

/** A key that another command has changes places with the key of this one. */
export function swapped(bindings: Bindings, name: string, by: string): Bindings {
  return { ...bindings, [name]: bindings[by] ?? "", [by]: bindings[name] ?? "" };
}

export function isFault(of: Bindings | Fault): of is Fault {
  return "kind" in of;
}

/** Which command a chord does. */
export function nameOf(chord: string, bindings: Bindings): string | null {
  if (chord === "") return null;
  return Object.keys(bindings).find((name) => bindings[name] === chord) ?? null;
}

/** The keys as a file. */
export function written(bindings: Bindings): string {
  return `${JSON.stringify(fileOf(bindings), null, 2)}\n`;
}

/** Keys out of a file, or what is wrong with it: nothing is taken of a file that is not right. */
export function readKeys(text: string): Bindings | Fault {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return { kind: "format" };
  }
  return keysIn(found);
}

// === the keys of who reads ===

let reader = "";
let present: { of: unknown; keys: Bindings } | null = null;

export function bindings(): Bindings {
  const of = kept(placeOf(reader));
  if (present === null || present.of !== of) {
    const found = keysIn(of);
    present = { of, keys: isFault(found) ? usual() : found };
  }
  return present.keys;
}

/** The keys of a person, as long as the person reads. */
export function useBindings(person: string): [Bindings, (next: Bindings) => void] {
  reader = person;
  const [, keep] = useKept(placeOf(person));
  return [bindings(), (next) => keep(Object.keys(differences(next)).length === 0 ? undefined : fileOf(next))];
}

// === helpers ===

const FORMAT = "yingdun-viewer-keys";
const VERSION = 1;
const CHORD = /^(\?|(Control\+)?(Alt\+)?(Meta\+)?(Shift\+)?[A-Za-z][A-Za-z0-9]{0,19})$/;

const SIGNS: Record<string, string> = {
  Control: "Ctrl", ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", PageUp: "PgUp", PageDown: "PgDn",
};

/** What keys with a character of their own type, where they are those of the usual keyboard. */
const CHARACTERS: Record<string, string> = {
  BracketLeft: "[", BracketRight: "]", Semicolon: ";", Quote: "'", Comma: ",", Period: ".", Slash: "/", Backslash: "\\", Backquote: "`", Minus: "-", Equal: "=",
};

function keysIn(found: unknown): Bindings | Fault {
  if (!isRecord(found) || found[FORMAT] !== VERSION || !isRecord(found["keys"])) return { kind: "format" };
  const names = usual();
  const seen = new Map<string, string>();
  for (const [name, chord] of Object.entries(found["keys"])) {
    if (!Object.hasOwn(names, name)) return { kind: "unknown", name: name.slice(0, 40) };
    if (typeof chord !== "string" || (chord !== "" && !CHORD.test(chord))) return { kind: "format" };
    if (chord === "") continue;
    if (isReserved(chord) || names[name] === PRINT) return { kind: "reserved", chord };
    const by = seen.get(chord);
    if (by !== undefined) return { kind: "taken", chord, name, by };
    seen.set(chord, name);
  }
  return merged(found["keys"] as Record<string, string>);
}

function fileOf(bindings: Bindings) {
  return { [FORMAT]: VERSION, keys: differences(bindings) };
}

function placeOf(person: string): string {
  return `viewer.keys:${person}`;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
