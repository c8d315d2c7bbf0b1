import { describe, expect, it } from "vitest";
import { fitting, nameOf, stepsFor, type Hold } from "./holds";

const hold = (change: Partial<Hold> = {}): Hold => ({
  id: "7c", state: "held", subject: "study", uid: "1.2.3", reason: "litigation", placed_by: "audit-admin", placed_ms: 0, placed_leaf: 1, ...change,
});

describe("holds", () => {
  it("are released by somebody else than who asked for it", () => {
    const asked = hold({ state: "release-requested", release_requested_by: "audit-admin" });
    expect(stepsFor(hold(), "audit-admin", ["manage-holds"])).toEqual({ ask: true, approve: false, withdraw: false });
    expect(stepsFor(asked, "security-admin", ["approve-release"])).toEqual({ ask: false, approve: true, withdraw: true });
    expect(stepsFor(asked, "audit-admin", ["manage-holds", "approve-release"]).approve).toBe(false);
    expect(stepsFor(hold({ state: "released" }), "audit-admin", ["manage-holds", "approve-release"])).toEqual({ ask: false, approve: false, withdraw: false });
  });
  it("are called by what is held, as long as that is said", () => {
    const { uid: _uid, ...released } = hold({ state: "released", study: "pseudonym" });
    expect([nameOf(hold()), nameOf(released)]).toEqual(["1.2.3", "pseudonym"]);
  });
  it("are found by what is held and by state", () => {
    expect(fitting([hold()], { text: "1.2", state: "held" })).toHaveLength(1);
    expect(fitting([hold()], { state: "released" })).toHaveLength(0);
  });
});
