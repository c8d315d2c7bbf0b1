import { describe, expect, it } from "vitest";
import { outcomeOf, paceOf, partOf, runningOf, type Job } from "./jobs";

const job = (change: Partial<Job> = {}): Job => ({
  job: "00", kind: "store", device: "WS07", state: "running", began_ms: 0, ended_ms: null, total: 40, completed: 8, warning: 1, failed: 1, remaining: 30,
  failures: [], fault: null, cancel_asked: false, studies: ["1.2"], ...change,
});

describe("a job", () => {
  it("is as far as what was tried, whatever came of it", () => {
    expect(partOf(job())).toBe(0.25);
    expect(partOf(job({ total: 0, completed: 0, warning: 0, failed: 0, remaining: 0 }))).toBe(null);
  });
  it("says the rest only while it runs", () => {
    expect(paceOf(job(), 5000)).toEqual({ rate: 2, seconds_left: 15 });
    expect(paceOf(job({ state: "cancelled", ended_ms: 10_000 }), 99_000)).toEqual({ rate: 1, seconds_left: null });
  });
  it("is not simply done where something was refused", () => {
    expect(outcomeOf(job({ state: "completed" }))).toBe("partly");
    expect(outcomeOf(job({ state: "completed", failed: 40 }))).toBe("failed");
    expect(outcomeOf(job({ state: "completed", failed: 0 }))).toBe("done");
    expect(outcomeOf(job({ cancel_asked: true }))).toBe("cancelling");
    expect(outcomeOf(job({ state: "interrupted" }))).toBe("interrupted");
  });
  it("counts among those that run until it has ended", () => {
    expect(runningOf([job(), job({ state: "failed" })])).toHaveLength(1);
  });
});
