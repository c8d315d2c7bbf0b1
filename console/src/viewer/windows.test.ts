import { expect, test } from "vitest";
import { PRESETS, rangeOf, windowOf } from "./windows";

test("a window and its two values are the same thing", () => {
  expect(rangeOf({ center: 40, width: 400 })).toEqual({ lower: -160, upper: 239 });
  for (const { center, width } of PRESETS) {
    const { lower, upper } = rangeOf({ center, width });
    expect(windowOf(lower, upper)).toEqual({ center, width });
  }
});

test("there is a key for each preset", () => {
  expect(PRESETS.length).toBe(8);
});
