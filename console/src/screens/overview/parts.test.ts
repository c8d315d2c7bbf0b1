import { describe, expect, it } from "vitest";
import { area, commonName, curve, daysBetween, partOfLife, shade, sum, top } from "./parts";

describe("numbers of an overview", () => {
  it("draws values over the slots of a day, and nothing of nothing", () => {
    expect(curve([0, 4], 4, 4, 100, 40)).toBe("M12.5,40.0L37.5,0.0");
    expect(curve([0, 0], 0, 2, 100, 40)).toBe("M25.0,40.0L75.0,40.0");
    expect(area([], 4, 4, 100, 40)).toBe("");
    expect(area([4], 4, 2, 100, 40)).toBe("M25.0,0.0L25.0,40L25.0,40Z");
  });

  it("has a round top that no value exceeds", () => {
    for (const most of [0, 1, 4, 5, 11, 50, 51, 99, 1001]) expect(top(most)).toBeGreaterThanOrEqual(most);
    expect([top(5), top(11), top(51), top(100)]).toEqual([6, 20, 60, 100]);
  });

  it("shades by quarters, and only zero is empty", () => {
    expect([0, 1, 25, 26, 100].map((value) => shade(value, 100))).toEqual([0, 1, 1, 2, 4]);
    expect(shade(1, 1)).toBe(1);
  });

  it("adds", () => {
    expect(sum([])).toBe(0);
    expect(sum([1, 2, 3])).toBe(6);
  });
});

describe("what lasts only for a while", () => {
  const day = 86_400_000;

  it("is counted in whole days, and never below none", () => {
    expect([daysBetween(0, 3 * day - 1), daysBetween(0, 3 * day), daysBetween(day, 0)]).toEqual([2, 3, 0]);
  });

  it("has a part of its life behind it", () => {
    const key = { created_ms: 100, due_ms: 300 };
    expect([0, 100, 150, 300, 900].map((now) => partOfLife(key, now))).toEqual([0, 0, 0.25, 1, 1]);
    expect(partOfLife({ created_ms: 5, due_ms: 5 }, 5)).toBe(1);
  });

  it("names a certificate by its common name where it has one", () => {
    expect(commonName("CN=Yingdun renmin, O=Yingdun")).toBe("Yingdun renmin");
    expect(commonName("O=Yingdun, CN=archive")).toBe("archive");
    expect(commonName("O=Yingdun")).toBe("O=Yingdun");
  });
});
