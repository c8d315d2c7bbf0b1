import { expect, test } from "vitest";
import { depths, isVolume, letters, lettersBy, linked, nearest, order, type Place } from "./geometry";

const axial = (z: number): Place => ({ position: [-180, -180, z], row: [1, 0, 0], column: [0, 1, 0] });

test("slices that follow each other evenly are a volume, and others are not", () => {
  const even = Array.from({ length: 20 }, (_, index) => axial(-5 * index));
  expect(isVolume(depths(even))).toBe(true);
  expect(isVolume(depths(even.slice(0, 4)))).toBe(false);
  expect(isVolume(depths([...even, axial(-140)]))).toBe(false);
  expect(isVolume(depths([...even, axial(-95)]))).toBe(false);
  expect(depths([...even, null])).toBeNull();
  expect(depths([axial(0), { position: [0, 0, 0], row: [0, 1, 0], column: [0, 0, -1] }])).toBeNull();
});

test("a slice is found by its depth, and without depths by how far through it is", () => {
  const at = [0, -5, -10, -15];
  expect(nearest(at, -11)).toBe(2);
  expect(linked({ at, index: 2, count: 4 }, { at: [2, -3, -8, -13, -18], count: 5 }, 2)).toBe(2);
  expect(linked({ at: null, index: 3, count: 4 }, { at, count: 9 }, 0)).toBe(8);
  expect(linked({ at: null, index: 0, count: 1 }, { at, count: 9 }, 0)).toBe(0);
});

test("every slice is fetched once, the one that is looked at first and what lies ahead sooner", () => {
  const found = order(40, 10, 1);
  expect(found.slice(0, 5)).toEqual([10, 11, 12, 13, 9]);
  expect([...found].sort((one, other) => one - other)).toEqual(Array.from({ length: 40 }, (_, index) => index));
  expect(order(40, 10, -1).slice(0, 5)).toEqual([10, 9, 8, 7, 11]);
  expect(order(1, 0, 1)).toEqual([0]);
});

test("directions are named as in the standard", () => {
  expect(letters([1, 0, 0])).toBe("L");
  expect(letters([0, 0, -1])).toBe("F");
  expect(letters([-0.6, 0.8, 0])).toBe("PR");
  expect(letters([0, 0, 0])).toBe("");
});

test("a projection is named by what it says of its rows and columns, and where it says nothing nothing is made up", () => {
  expect(lettersBy(["P", "F"], [1, 0, 0])).toBe("P");
  expect(lettersBy(["P", "F"], [-1, 0, 0])).toBe("A");
  expect(lettersBy(["L", "FP"], [0, -1, 0])).toBe("HA");
  expect(lettersBy([], [1, 0, 0])).toBe("");
  expect(lettersBy(["?"], [1, 0, 0])).toBe("");
});
