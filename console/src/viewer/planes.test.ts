import { expect, test } from "vitest";
import type { Place, Vector } from "./geometry";
import { alongside, corners, cut, height, meet, planeOf } from "./planes";

const axial = (z: number): Place => ({ position: [-100, -100, z], row: [1, 0, 0], column: [0, 1, 0] });
const sagittal = (x: number): Place => ({ position: [x, -100, 100], row: [0, 1, 0], column: [0, 0, -1] });

test("an axial slice is seen in a sagittal one as a line across, where it lies", () => {
  const line = cut(corners(axial(30), [1, 1], 201, 201), planeOf(sagittal(10)));
  expect(line).not.toBeNull();
  for (const [x, , z] of line!) expect([x, z].map(Math.round)).toEqual([10, 30]);
  expect(line!.map(([, y]) => Math.round(y)).sort((one, other) => one - other)).toEqual([-100, 100]);
});

test("slices beside each other, or that do not reach, have no line", () => {
  expect(cut(corners(axial(30), [1, 1], 201, 201), planeOf(axial(20)))).toBeNull();
  expect(cut(corners(axial(30), [1, 1], 201, 201), planeOf(sagittal(150)))).toBeNull();
});

test("two planes meet in a line that lies in both", () => {
  let state = 11;
  const next = () => ((state = (state * 48271) % 2147483647) / 2147483647) * 2 - 1;
  const vector = (): Vector => [next(), next(), next()];
  let found = 0;
  for (let round = 0; round < 500; round += 1) {
    const [one, other] = [{ point: vector(), normal: vector() }, { point: vector(), normal: vector() }];
    const line = meet(one, other, vector());
    if (!line) continue;
    found += 1;
    for (const far of [-3, 0, 5]) {
      const at: Vector = [line.point[0] + far * line.direction[0], line.point[1] + far * line.direction[1], line.point[2] + far * line.direction[2]];
      expect(Math.abs(height(at, one))).toBeLessThan(1e-6);
      expect(Math.abs(height(at, other))).toBeLessThan(1e-6);
    }
  }
  expect(found).toBeGreaterThan(400);
});

test("slices are scrolled together by where they lie only where they follow each other the same way", () => {
  expect(alongside(axial(0), axial(50))).toBe(1);
  expect(alongside(axial(0), { ...axial(0), column: [0, -1, 0] })).toBe(-1);
  expect(alongside(axial(0), sagittal(0))).toBe(0);
});
