import { describe, expect, it } from "vitest";
import { fitting, namedBy, untilOf, type Dissent } from "./dissents";

const dissent = (change: Partial<Dissent> = {}): Dissent => ({
  dissent: "1", patient: "pseudonym-7", against: "person", break_glass: false, valid_from_ms: 0, valid_until_ms: 5, given_by: "security-admin", name: "dr-li", ...change,
});

describe("dissents", () => {
  it("last until they are ended where the server says the end of time", () => {
    expect(untilOf(dissent({ valid_until_ms: 9223372036854775807 }))).toBe(null);
    expect(untilOf(dissent())).toBe(5);
  });
  it("name those whom they are against, or who alone may look", () => {
    const { name: _name, ...nobody } = dissent();
    expect(namedBy(dissent())).toEqual(["dr-li"]);
    expect(namedBy({ ...nobody, against: "sealed", names: ["a", "b"] })).toEqual(["a", "b"]);
  });
  it("are found by whom they name, by pseudonym and by kind", () => {
    expect(fitting([dissent()], { text: "DR-" })).toHaveLength(1);
    expect(fitting([dissent()], { text: "nym-7", against: "sealed" })).toHaveLength(0);
  });
});
