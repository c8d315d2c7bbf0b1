import { describe, expect, it } from "vitest";
import { ageDays, nextDue, standOf, type KeyVersion } from "./keys";

const DAY = 86_400_000;
const version = (change: Partial<KeyVersion> = {}): KeyVersion => ({
  grade: "L4", suite: "cobblestone-256", version: 1, state: "active", uses: 10, keys: 10, created_ms: 0, due_ms: 90 * DAY, ...change,
});
const keys = { uses_alarm: 1000 };

describe("versions of keys", () => {
  it("are due when their time is up, or when they were used too often", () => {
    expect(standOf(version(), keys, 10 * DAY)).toBe("active");
    expect(standOf(version(), keys, 80 * DAY)).toBe("soon");
    expect(standOf(version(), keys, 90 * DAY)).toBe("due");
    expect(standOf(version({ uses: 1000 }), keys, 0)).toBe("overused");
    expect(standOf(version({ state: "retired", due_ms: null, uses: 5000 }), keys, 0)).toBe("retired");
  });
  it("age in whole days", () => {
    expect(ageDays(version(), 2.9 * DAY)).toBe(2);
    expect(ageDays(version({ created_ms: 5 }), 0)).toBe(0);
  });
  it("name the active one that comes first", () => {
    const later = version({ grade: "L5", due_ms: 95 * DAY });
    const retired = version({ state: "retired", due_ms: null });
    expect(nextDue([retired, later, version()])?.grade).toBe("L4");
    expect(nextDue([retired])).toBe(null);
  });
});
