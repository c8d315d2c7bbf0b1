import { expect, test } from "vitest";
import { span, tick, urgency } from "./countdown";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("a span is said in its two largest units", () => {
  expect(span(2 * DAY + 3 * HOUR + 59 * MINUTE, "en")).toBe("2d 3h");
  expect(span(HOUR + 5 * MINUTE, "en")).toBe("1h 5m");
  expect(span(90_000, "en")).toBe("1m 30s");
  expect(span(900, "en")).toBe("0s");
});

test("a unit of which there is none is left out", () => {
  expect(span(DAY + 5 * MINUTE, "en")).toBe("1d");
  expect(span(3 * HOUR, "zh-CN")).toBe("3小时");
});

test("what is over has the same words as what is to come", () => {
  expect(span(-2 * HOUR, "en")).toBe(span(2 * HOUR, "en"));
});

test("words change each second in the last hour only", () => {
  expect(tick(59 * MINUTE)).toBe(1_000);
  expect(tick(-59 * MINUTE)).toBe(1_000);
  expect(tick(2 * HOUR)).toBe(30_000);
});

test("the last quarter is near, and the end is over", () => {
  expect(urgency(0, 72 * HOUR, 10 * HOUR)).toBe("far");
  expect(urgency(0, 72 * HOUR, 54 * HOUR)).toBe("near");
  expect(urgency(0, 72 * HOUR, 72 * HOUR)).toBe("over");
});
