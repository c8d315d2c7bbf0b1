import { describe, expect, it } from "vitest";
import { fittingDepartments, isShortName, membersOf, placesOf, type Departments } from "./departments";

const all: Departments = {
  departments: [{ department: "surgery", name: "外科" }, { department: "ct-room", name: "CT 室" }],
  members: [
    { name: "li", department: "surgery", valid_from_ms: 0, valid_until_ms: 9 },
    { name: "wang", department: "surgery", valid_from_ms: 0, valid_until_ms: 5 },
    { name: "li", device: "CT01", valid_from_ms: 0, valid_until_ms: 7 },
  ],
};

describe("departments", () => {
  it("lists who leaves first at the top", () => {
    expect(membersOf(all, "surgery").map((member) => member.name)).toEqual(["wang", "li"]);
    expect(membersOf(all, "ct-room")).toEqual([]);
  });
  it("says where somebody belongs by the name that people know", () => {
    expect(placesOf(all, "li").map(({ place, device }) => [place, device])).toEqual([["外科", false], ["CT01", true]]);
  });
  it("finds by either name", () => {
    expect(fittingDepartments(all, "外").map((one) => one.department)).toEqual(["surgery"]);
    expect(fittingDepartments(all, " CT").map((one) => one.department)).toEqual(["ct-room"]);
  });
  it("takes short names as the server does", () => {
    expect(["a", "ct-room", "a1"].every(isShortName)).toBe(true);
    expect(["", "-a", "a-", "CT", "外科", "a".repeat(33)].some(isShortName)).toBe(false);
  });
});
