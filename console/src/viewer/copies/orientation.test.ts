import { expect, test } from "vitest";
import { lieOf, partOf } from "./orientation";

test("each of the eight ways in which a picture can lie is told from the others", () => {
  expect(lieOf([1, 0], [0, 1])).toEqual({ mirrored: false, turned: 0 });
  // Turned to the right: what is right in the pane was above in the picture.
  expect(lieOf([0, -1], [1, 0])).toEqual({ mirrored: false, turned: 1 });
  expect(lieOf([-1, 0], [0, -1])).toEqual({ mirrored: false, turned: 2 });
  expect(lieOf([0, 1], [-1, 0])).toEqual({ mirrored: false, turned: 3 });
  expect(lieOf([-1, 0], [0, 1])).toEqual({ mirrored: true, turned: 0 });
  expect(lieOf([1, 0], [0, -1])).toEqual({ mirrored: true, turned: 2 });
  const lies = [[1, 0], [0, 1], [-1, 0], [0, -1]].flatMap(([x, y]) => [
    lieOf([x!, y!], [-y!, x!]),
    lieOf([x!, y!], [y!, -x!]),
  ]);
  expect(new Set(lies.map((lie) => JSON.stringify(lie))).size).toBe(8);
});

test("a part lies within its picture and is not empty", () => {
  expect(partOf([-40, 10.4], [300, 99.2], 512, 256)).toEqual([0, 10, 300, 90]);
  expect(partOf([300, 99.2], [-40, 10.4], 512, 256)).toEqual([0, 10, 300, 90]);
  expect(partOf([-9, -9], [999, 999], 512, 256)).toEqual([0, 0, 512, 256]);
  expect(partOf([600, 300], [700, 400], 512, 256)).toEqual([511, 255, 1, 1]);
  expect(partOf([NaN, 0], [1, 1], 512, 256)).toEqual([0, 0, 512, 256]);
});
