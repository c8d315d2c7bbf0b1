import { expect, test } from "vitest";
import { pause, pauseOf, REPEATS_MAX, WAIT_MS_MAX, waits } from "./patience";

const NOW = Date.UTC(2026, 10, 21);
const after = (told: string | null, { method = "GET", status = 429, repeats = 0, waited = 0 } = {}) => pauseOf(method, status, told, repeats, waited, NOW);

test("a read is asked for again when the server says", () => {
  expect(after("7")).toBe(7000);
  expect(after("0")).toBe(0);
  expect(after(null)).toBe(1000);
  expect(after(new Date(NOW + 3000).toUTCString())).toBe(3000);
  expect(after(new Date(NOW - 3000).toUTCString())).toBe(0);
});

test("what changes something, and every other refusal, is not asked for again", () => {
  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) expect(after("1", { method })).toBeNull();
  for (const status of [400, 401, 403, 404, 500, 503]) expect(after("1", { status })).toBeNull();
});

test("there is an end to it", () => {
  expect(after("1", { repeats: REPEATS_MAX })).toBeNull();
  expect(after("44")).toBe(44_000);
  expect(after("46")).toBeNull();
  expect(after("2", { waited: WAIT_MS_MAX - 1000 })).toBeNull();
  for (const wrong of ["soon", "-3", "1e3", "99999999999"]) expect(after(wrong)).toBeNull();
});

test("a wait ends by itself, by who sits there, and with its request", async () => {
  const page = new AbortController();
  expect(await pause(1, page.signal)).toBe(true);
  const long = pause(60_000, page.signal);
  expect(waits()).toHaveLength(1);
  waits()[0]?.stop();
  expect(await long).toBe(false);
  const left = pause(60_000, page.signal);
  page.abort(new Error("left"));
  await expect(left).rejects.toThrow("left");
  await expect(pause(60_000, page.signal)).rejects.toThrow("left");
  expect(waits()).toHaveLength(0);
});
