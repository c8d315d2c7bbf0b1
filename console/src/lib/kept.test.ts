import { beforeEach, expect, test, vi } from "vitest";

/** What the browser has under each name. */
let stored: Map<string, string>;
let told: ((event: { key: string | null }) => void)[];

beforeEach(() => {
  stored = new Map();
  told = [];
  vi.resetModules();
  vi.stubGlobal("addEventListener", (_: string, listener: (event: { key: string | null }) => void) => told.push(listener));
  vi.stubGlobal("localStorage", {
    getItem: (name: string) => stored.get(name) ?? null,
    setItem: (name: string, value: string) => void stored.set(name, value),
    removeItem: (name: string) => void stored.delete(name),
  });
});

test("what is kept is there when the page is opened again, until it is taken away", async () => {
  const before = await import("./kept");
  before.keep("one", { of: [1, "二"] });
  before.keep("two", false);
  vi.resetModules();
  const after = await import("./kept");
  expect([after.kept("one"), after.kept("two"), after.kept("three")]).toEqual([{ of: [1, "二"] }, false, undefined]);
  after.keep("one", undefined);
  expect([...stored.keys()]).toEqual(["yingdun.two"]);
});

test("where a browser keeps nothing it holds until the page is left", async () => {
  const refuse = () => {
    throw new DOMException("denied", "SecurityError");
  };
  for (const storage of [{ getItem: refuse, setItem: refuse, removeItem: refuse }, undefined]) {
    vi.resetModules();
    vi.stubGlobal("localStorage", storage);
    const { keep, kept } = await import("./kept");
    expect(kept("one")).toBeUndefined();
    keep("one", "set");
    expect(kept("one")).toBe("set");
    keep("one", undefined);
    expect(kept("one")).toBeUndefined();
  }
});

test("nonsense is nothing", async () => {
  const { kept } = await import("./kept");
  for (const nonsense of ["{", "off", "", "null", "\u0000"]) {
    stored.set(`yingdun.${nonsense}`, nonsense);
    expect(kept(nonsense)).toBeUndefined();
  }
});

test("what another tab set counts here", async () => {
  const { kept } = await import("./kept");
  expect(kept("one")).toBeUndefined();
  stored.set("yingdun.one", "7");
  for (const listener of told) listener({ key: "yingdun.one" });
  expect(kept("one")).toBe(7);
  stored.clear();
  for (const listener of told) listener({ key: null });
  expect(kept("one")).toBeUndefined();
});
