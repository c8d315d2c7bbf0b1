import { describe, expect, it } from "vitest";
import { fitting, isOfficer, standingOf, type Person } from "./people";

const person = (name: string, change: Partial<Person> = {}): Person => ({
  name, roles: ["clinician"], disabled: false, enrolled: true, second_factor: false, new_places_wait_until_ms: 0, ...change,
});

describe("people", () => {
  it("says the first thing that keeps somebody from working", () => {
    expect(standingOf(person("a"))).toBe("active");
    expect(standingOf(person("a", { roles: [] }))).toBe("without-role");
    expect(standingOf(person("a", { roles: [], enrolled: false }))).toBe("invited");
    expect(standingOf(person("a", { disabled: true, enrolled: false }))).toBe("disabled");
  });
  it("finds by part of a name, by role and by standing, together", () => {
    const all = [person("chen-jing"), person("li-wei", { roles: ["radiologist"] }), person("Wei-old", { roles: ["radiologist"], disabled: true })];
    const names = (filters: Parameters<typeof fitting>[1]) => fitting(all, filters).map((one) => one.name);
    expect(names({})).toHaveLength(3);
    expect(names({ text: " WEI" })).toEqual(["li-wei", "Wei-old"]);
    expect(names({ text: "wei", role: "radiologist", standing: "disabled" })).toEqual(["Wei-old"]);
    expect(names({ role: "patient" })).toEqual([]);
  });
  it("knows the three officers", () => {
    expect(isOfficer(person("a", { roles: ["audit-administrator"] }))).toBe(true);
    expect(isOfficer(person("a"))).toBe(false);
  });
});
