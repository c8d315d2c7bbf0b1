import { expect, test } from "vitest";
import { chordOf, differences, isFault, isReserved, merged, nameOf, readKeys, rebound, shownOf, swapped, toldOf, usual, written, type Bindings } from "./bindings";
import en from "./keyboard.en.json";
import zh from "./keyboard.zh-CN.json";

const plain = { key: "", ctrlKey: false, altKey: false, metaKey: false, shiftKey: false };

test("the usual keys are none of the browser's, and no two are the same", () => {
  const chords = Object.values(usual());
  expect(new Set(chords).size).toBe(chords.length);
  for (const chord of ["Escape", "Tab", "Enter", "F5", "F12", "Control+KeyW", "Control+KeyT", "Alt+ArrowLeft", "Meta+KeyQ", "PrintScreen"]) expect(isReserved(chord), chord).toBe(true);
  for (const chord of ["KeyU", "Digit0", "Control+ArrowDown", "Shift+KeyA", "Comma", "Delete"]) expect(isReserved(chord), chord).toBe(false);
});

test("a chord is told by the place of its key and what is held", () => {
  expect(chordOf({ ...plain, code: "KeyW" })).toBe("KeyW");
  expect(chordOf({ ...plain, code: "Numpad7" })).toBe("Digit7");
  expect(chordOf({ ...plain, code: "ArrowLeft", ctrlKey: true, shiftKey: true })).toBe("Control+Shift+ArrowLeft");
  expect(chordOf({ ...plain, code: "Minus", key: "?", shiftKey: true })).toBe("?");
  expect(chordOf({ ...plain, code: "ControlLeft", ctrlKey: true })).toBeNull();
  expect(shownOf("Control+Shift+ArrowLeft")).toBe("Ctrl+Shift+←");
  expect(["KeyW", "Digit0", "BracketLeft", "PageDown", "?"].map(shownOf)).toEqual(["W", "0", "[", "PgDn", "?"]);
  expect(["KeyW", "Digit0", "BracketLeft", "PageDown", "Control+ArrowLeft", "Shift+KeyT", "Space", "?"].map(toldOf)).toEqual(["W", "0", "[", "PageDown", "Control+ArrowLeft", "Shift+T", "Space", "?"]);
});

test("another key for a command, a key that is taken, and one that belongs to the browser", () => {
  const free = rebound(usual(), "invert", "KeyU");
  expect(free).toMatchObject({ invert: "KeyU" });
  expect(rebound(usual(), "invert", "KeyW")).toEqual({ kind: "taken", chord: "KeyW", name: "invert", by: "window" });
  expect(rebound(usual(), "invert", "KeyI")).toEqual(usual());
  expect(rebound(usual(), "invert", "Control+KeyW")).toEqual({ kind: "reserved", chord: "Control+KeyW" });
  expect(rebound(usual(), "nothing", "KeyU")).toEqual({ kind: "unknown", name: "nothing" });
  expect(swapped(usual(), "invert", "window")).toMatchObject({ invert: "KeyW", window: "KeyI" });
});

test("however keys are changed, no key does two things", () => {
  const names = Object.keys(usual());
  const chords = [...Object.values(usual()).filter((chord) => !isReserved(chord)), "KeyU", "Comma", "Shift+KeyA", "Control+Home"];
  let state = 7;
  const next = (below: number) => (state = (state * 48271) % 2147483647) % below;
  let now: Bindings = usual();
  for (let round = 0; round < 2000; round += 1) {
    const [name, chord] = [names[next(names.length)]!, chords[next(chords.length)]!];
    const found = rebound(now, name, chord);
    if (!isFault(found)) now = found;
    else if (found.kind === "taken") now = swapped(now, name, found.by);
    const given = Object.values(now).filter((one) => one !== "");
    expect(new Set(given).size).toBe(given.length);
    // What was written is read as it was.
    expect(readKeys(written(now))).toEqual(now);
  }
  expect(Object.keys(differences(now)).length).toBeGreaterThan(5);
});

test("of a file that is not right nothing is taken, and it is said what is wrong", () => {
  const file = (keys: unknown) => JSON.stringify({ "yingdun-viewer-keys": 1, keys });
  expect(readKeys("{")).toEqual({ kind: "format" });
  expect(readKeys("[]")).toEqual({ kind: "format" });
  expect(readKeys(JSON.stringify({ "yingdun-viewer-keys": 2, keys: {} }))).toEqual({ kind: "format" });
  expect(readKeys(file({ invert: 7 }))).toEqual({ kind: "format" });
  expect(readKeys(file({ invert: "<script>" }))).toEqual({ kind: "format" });
  expect(readKeys(file({ explode: "KeyU" }))).toEqual({ kind: "unknown", name: "explode" });
  expect(readKeys(file({ ["__proto__x"]: "KeyU" }))).toEqual({ kind: "unknown", name: "__proto__x" });
  expect(readKeys(file({ invert: "KeyU", cine: "KeyU" }))).toEqual({ kind: "taken", chord: "KeyU", name: "cine", by: "invert" });
  expect(readKeys(file({ invert: "Control+KeyT" }))).toEqual({ kind: "reserved", chord: "Control+KeyT" });
});

test("a key that somebody took from a command leaves that one without, and it comes back with the usual ones", () => {
  const own = merged({ invert: "KeyW" });
  expect(own).toMatchObject({ invert: "KeyW", window: "" });
  expect(nameOf("KeyW", own)).toBe("invert");
  expect(nameOf("", own)).toBeNull();
  expect(merged({})).toEqual(usual());
});

test("what is said of keys is said in both languages", () => {
  expect(Object.keys(zh.fault).sort()).toEqual(["format", "reserved", "taken", "unknown"]);
  expect(Object.keys(en.fault).sort()).toEqual(Object.keys(zh.fault).sort());
});
