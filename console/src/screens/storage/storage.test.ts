import { describe, expect, it } from "vitest";
import { checkedSince, fillPart, findings, isMoving, lostTogether, roomBytes, scrubPart, scrubSeconds, type Replica, type Scrub } from "./storage";

const scrub = (change: Partial<Scrub> = {}): Scrub => ({
  state: "resting", begun_ms: null, checked_bytes: 0, bytes_left: 0, checked_records: 0, found: 0, lost: 0, bytes_per_second: 0, last: null, ...change,
});
const replica = (label: string, change: Partial<Replica> = {}): Replica => ({
  replica: label.charCodeAt(0) - 97, label, failure_domain: label, state: "ready", packs: 1, bytes: 100, free_bytes: 1000, lag_bytes: 0, mode: "sync", scrub: scrub(), ...change,
});
const last = { begun_ms: 1, ended_ms: 5, bytes: 9, records: 2, found: 3, lost: 1 };

describe("a scrub", () => {
  it("says how far it is and how long it takes", () => {
    const running = scrub({ state: "running", checked_bytes: 25, bytes_left: 75, bytes_per_second: 10 });
    expect([scrubPart(running), scrubSeconds(running)]).toEqual([0.25, 8]);
    expect([scrubPart(scrub()), scrubSeconds(scrub())]).toEqual([0, null]);
  });
  it("tells what runs before what was", () => {
    expect(findings([replica("a", { scrub: scrub({ last }) }), replica("b", { scrub: scrub({ state: "running", found: 1, last }) })])).toEqual({ found: 4, lost: 1 });
  });
  it("has checked everything only when it was through everywhere", () => {
    const done = replica("a", { scrub: scrub({ last }) });
    expect(checkedSince([done, replica("b")])).toBe(null);
    expect(checkedSince([done, replica("b", { scrub: scrub({ last: { ...last, ended_ms: 3 } }) })])).toBe(3);
    expect(checkedSince([])).toBe(null);
  });
});

describe("replicas", () => {
  it("have room for as much as the quorum has", () => {
    const all = [replica("a", { free_bytes: 10 }), replica("b", { free_bytes: 30 }), replica("c", { free_bytes: 20 }), replica("d", { free_bytes: 99, state: "drained" })];
    expect([roomBytes(all, 2), roomBytes(all, 4)]).toEqual([20, 0]);
  });
  it("are moving while they are filled, drained or checked", () => {
    expect(isMoving([replica("a")])).toBe(false);
    expect(isMoving([replica("a"), replica("b", { state: "draining" })])).toBe(true);
    expect(isMoving([replica("a", { awaiting_repair: 1 })])).toBe(true);
  });
  it("are filled by as much as they do not miss", () => {
    expect(fillPart(replica("a", { bytes_awaiting_repair: 25 }), 100)).toBe(0.75);
    expect(fillPart(replica("a"), 100)).toBe(null);
  });
  it("name those that are lost together", () => {
    const all = [replica("a", { same_device_as: [1] }), replica("b"), replica("c")];
    expect(lostTogether(all[0] as Replica, all)).toEqual(["b"]);
  });
});
