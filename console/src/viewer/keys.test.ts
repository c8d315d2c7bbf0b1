import { expect, test } from "vitest";
import en from "./en.json";
import { commandOf, KEYS } from "./keys";
import zh from "./zh-CN.json";

const plain = { ctrlKey: false, altKey: false, metaKey: false };

test("no key does two things, and each is named in both languages", () => {
  expect(new Set(KEYS.map((key) => key.code)).size).toBe(KEYS.length);
  for (const { name } of KEYS) {
    expect(zh.keys, name).toHaveProperty(name);
    expect(en.keys, name).toHaveProperty(name);
  }
});

test("keys count by their place, and what is held with Control belongs to the browser", () => {
  expect(commandOf({ ...plain, key: "ц", code: "KeyW" })).toEqual({ do: "tool", tool: "window" });
  expect(commandOf({ ...plain, key: "?", code: "Slash" })).toEqual({ do: "help" });
  expect(commandOf({ ...plain, key: "1", code: "Numpad1" })).toEqual({ do: "preset", preset: 0 });
  expect(commandOf({ ...plain, ctrlKey: true, key: "w", code: "KeyW" })).toBeNull();
  expect(commandOf({ ...plain, ctrlKey: true, key: "ArrowLeft", code: "ArrowLeft" })).toEqual({ do: "study", by: -1 });
  expect(commandOf({ ...plain, shiftKey: true, key: "T", code: "KeyT" })).toEqual({ do: "lines" });
  expect(commandOf({ ...plain, key: "n", code: "KeyN" })).toBeNull();
});

test("both languages have the same keys", () => {
  const names = (of: object, before = ""): string[] =>
    Object.entries(of).flatMap(([key, value]) =>
      typeof value === "object" && value !== null ? names(value, `${before}${key}.`) : [`${before}${key.replace(/_(one|other)$/, "")}`],
    );
  expect([...new Set(names(zh))].sort()).toEqual([...new Set(names(en))].sort());
});
