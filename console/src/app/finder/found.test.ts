import { describe, expect, it } from "vitest";
import { namedFor, nextOf, OFFERED_MAX, screensFor } from "./found";

const screens = [
  { path: "studies", name: "影像检查" },
  { path: "audit", name: "审计与存证" },
];

describe("the palette", () => {
  it("offers every screen before something is typed, and then those of that name", () => {
    expect(screensFor(" ", screens).map((one) => one.to)).toEqual(["/studies", "/audit"]);
    expect(screensFor("审计", screens).map((one) => one.to)).toEqual(["/audit"]);
    expect(screensFor("STUD", screens).map((one) => one.to)).toEqual(["/studies"]);
    expect(screensFor("nothing", screens)).toEqual([]);
  });
  it("offers people and devices only by what was typed, a few of them, at an address that names them safely", () => {
    const many = Array.from({ length: 20 }, (_, index) => ({ name: `ct ${index}&`, beside: "" }));
    expect(namedFor("", "device", many)).toEqual([]);
    expect(namedFor("CT", "device", many)).toHaveLength(OFFERED_MAX);
    expect(namedFor("ct 7", "device", many).map((one) => one.to)).toEqual(["/devices?device=ct%207%26"]);
    expect(namedFor("li", "person", [{ name: "li-wei", beside: "" }]).map((one) => one.to)).toEqual(["/people?person=li-wei"]);
  });
  it("goes around the ends", () => {
    expect([nextOf(0, -1, 3), nextOf(2, 1, 3), nextOf(1, 1, 3), nextOf(0, 1, 0)]).toEqual([2, 0, 2, 0]);
  });
});
