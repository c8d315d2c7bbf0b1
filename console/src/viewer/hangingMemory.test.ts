import { beforeEach, expect, test, vi } from "vitest";
import { keep } from "../lib/kept";
import { want, wantedBy } from "./hangingMemory";

// A browser that keeps nothing: it holds until the page is left.
vi.stubGlobal("localStorage", undefined);

beforeEach(() => keep("viewer.hanging:li", undefined));

test("each modality of each person has its own protocol", () => {
  want("li", "CT", "single");
  want("li", "MR", "pair");
  expect([wantedBy("li", "CT"), wantedBy("li", "MR"), wantedBy("li", "MG"), wantedBy("wang", "CT")]).toEqual(["single", "pair", null, null]);
  want("li", "CT", null);
  expect([wantedBy("li", "CT"), wantedBy("li", "MR")]).toEqual([null, "pair"]);
});

test("nonsense is nothing, and gives way to what is wanted", () => {
  for (const nonsense of [7, "single", [], ["single"], { CT: 7 }, { CT: "no such" }, { CT: ["single"] }, null]) {
    keep("viewer.hanging:li", nonsense);
    for (const modality of ["CT", "0", "__proto__", "constructor"]) expect(wantedBy("li", modality)).toBeNull();
    want("li", "CT", "single");
    expect(wantedBy("li", "CT")).toBe("single");
  }
});
