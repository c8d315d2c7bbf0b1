import { describe, expect, it } from "vitest";
import { fitting, stateOf, untilOf, type Consent } from "./consents";

const consent = (change: Partial<Consent> = {}): Consent => ({
  consent: "1", patient: "pseudonym-7", to: "research", project: "lung-2026", form: "paper", giver: "patient", reference: "form 117",
  valid_from_ms: 5, valid_until_ms: 10, entered_by: "security-admin", withdrawn_ms: null, withdrawn_by: null, ...change,
});

describe("consents", () => {
  it("hold from their first moment to the one before their last, unless they are withdrawn", () => {
    expect([4, 5, 9, 10].map((now) => stateOf(consent(), now))).toEqual(["later", "holds", "holds", "over"]);
    expect(stateOf(consent({ withdrawn_ms: 6, withdrawn_by: "security-admin" }), 7)).toBe("withdrawn");
  });
  it("last until they are withdrawn where the server says the end of time", () => {
    expect(untilOf(consent({ valid_until_ms: 9223372036854775807 }))).toBe(null);
    expect(untilOf(consent())).toBe(10);
  });
  it("are found by project, evidence and pseudonym, and by what they are to", () => {
    expect(["LUNG", "117", "nym-7", "security"].map((text) => fitting([consent()], { text }).length)).toEqual([1, 1, 1, 1]);
    expect(fitting([consent()], { to: "sharing" })).toHaveLength(0);
    expect(fitting([consent({ reference: null, project: null })], { text: "lung" })).toHaveLength(0);
  });
});
