import { expect, test } from "vitest";
import { depths, type Place } from "./geometry";
import type { Slice, Stack } from "./study";
import { apartOf, follows } from "./together";

function stack(places: Place[], frameOfReference: string): Stack {
  const series = { study: "s", uid: "s.1", number: 1, modality: "CT", description: "", bodyPart: "", instances: places.length };
  return { series, slices: places.map((place): Slice => ({ imageId: "", address: "", instance: "", frame: 1, data: {}, place })), at: depths(places), frameOfReference };
}

const down = (from: number, step: number, count: number) => Array.from({ length: count }, (_, index): Place => ({ position: [0, 0, from - step * index], row: [1, 0, 0], column: [0, 1, 0] }));
const sagittal = Array.from({ length: 9 }, (_, index): Place => ({ position: [index * 4, 0, 0], row: [0, 1, 0], column: [0, 0, -1] }));

test("thick and thin slices of one scan stand beside each other, whichever way they were numbered", () => {
  const thick = stack(down(100, 5, 20), "f");
  const thin = stack(down(100, 1, 96), "f");
  const upwards = stack(down(100, 1, 96).reverse(), "f");
  expect(follows(thick, 4, thin, apartOf(thick, 0, thin, 0))).toBe(20);
  expect(follows(thick, 4, upwards, apartOf(thick, 0, upwards, 0))).toBe(75);
  const mirrored = stack(down(100, 1, 96).map((place) => ({ ...place, column: [0, -1, 0] as const })), "f");
  expect(follows(thick, 4, mirrored, 0)).toBe(20);
});

test("an earlier study stays as far apart as it was put", () => {
  const now = stack(down(100, 5, 20), "f");
  const then = stack(down(740, 5, 20), "g");
  const apart_mm = apartOf(now, 2, then, 5);
  expect(apart_mm).toBe(625);
  expect(follows(now, 2, then, apart_mm)).toBe(5);
  expect(follows(now, 6, then, apart_mm)).toBe(9);
});

test("slices across each other do not follow, and what nobody knows the place of follows by how far through it is", () => {
  expect(follows(stack(down(100, 5, 20), "f"), 4, stack(sagittal, "f"), 0)).toBeNull();
  expect(follows({ ...stack(down(0, 1, 5), ""), at: null }, 4, stack(sagittal, "f"), 0)).toBe(8);
});
