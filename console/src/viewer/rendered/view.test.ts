import { describe, expect, it } from "vitest";
import { matrixOf, moved, seen, toPane, toPicture, UPRIGHT, whole, zoomed, type Frame, type Lie } from "./view";

const frame: Frame = { columns: 512, rows: 256, aspect: 1 };
const size = { width: 1024, height: 800 };
const LIES: Lie[] = [false, true].flatMap((across) => [false, true].flatMap((down) => [0, 1, 2, 3].map((quarters) => ({ across, down, quarters }))));

describe("a picture in a pane", () => {
  it("fills it and is in its middle", () => {
    expect(toPane([0, 0], frame, size, whole(frame), UPRIGHT)).toEqual([0, 144]);
    expect(toPane([512, 256], frame, size, whole(frame), UPRIGHT)).toEqual([1024, 656]);
    const tall: Frame = { ...frame, aspect: 4 };
    expect(toPane([256, 0], tall, size, whole(tall), UPRIGHT)).toEqual([512, 0]);
  });

  it("is found again however it lies", () => {
    for (const lie of LIES) {
      const camera = zoomed({ zoom: 1, x: 100, y: 200 }, 3);
      const [x, y] = toPicture(toPane([17, 231], frame, size, camera, lie), frame, size, camera, lie);
      expect(x).toBeCloseTo(17);
      expect(y).toBeCloseTo(231);
    }
  });

  it("is turned to the right, and mirrored before that", () => {
    const lie: Lie = { across: true, down: false, quarters: 1 };
    const [x, y] = toPane([512, 128], frame, size, whole(frame), lie);
    // Its right side is left when it is mirrored, and above when it is turned then.
    expect([x, y]).toEqual([512, 0]);
  });

  it("is asked for as far as it is seen", () => {
    expect(seen(frame, size, whole(frame), UPRIGHT)).toBeNull();
    expect(seen(frame, { width: 0, height: 0 }, whole(frame), UPRIGHT)).toBeNull();
    expect(seen(frame, size, { zoom: 4, x: 256, y: 128 }, UPRIGHT)).toEqual([192, 78, 128, 100]);
    for (const lie of LIES) {
      const [left, top, columns, rows] = seen(frame, size, { zoom: 9, x: 0, y: 256 }, lie)!;
      expect([left, top + rows]).toEqual([0, 256]);
      expect(columns > 0 && rows > 0).toBe(true);
    }
  });

  it("goes where it is drawn, and no further than its edge", () => {
    for (const lie of LIES) {
      const camera = { zoom: 4, x: 256, y: 128 };
      const [x, y] = toPane([256, 128], frame, size, moved(camera, [30, -20], frame, size, lie), lie);
      expect([x, y].map(Math.round)).toEqual([542, 380]);
    }
    expect(moved(whole(frame), [1e6, 1e6], frame, size, UPRIGHT)).toEqual({ zoom: 1, x: 0, y: 0 });
  });

  it("is laid where its part is", () => {
    expect(matrixOf(null, { width: 1024, height: 512 }, frame, size, whole(frame), UPRIGHT)).toBe("matrix(1,0,0,1,0,144)");
    expect(matrixOf([256, 0, 256, 128], { width: 256, height: 128 }, frame, size, whole(frame), UPRIGHT)).toBe("matrix(2,0,0,2,512,144)");
  });

  it("is zoomed within bounds", () => {
    expect(zoomed(whole(frame), 1e9).zoom).toBe(32);
    expect(zoomed(whole(frame), 0).zoom).toBe(0.25);
  });
});
