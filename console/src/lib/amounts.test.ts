import { describe, expect, it } from "vitest";
import { bytes, clock, count, pace, percent } from "./amounts";

describe("amounts", () => {
  it("gives bytes in the unit that fits", () => {
    expect([0, 1023, 1024, 12_517_272, 59_058_065_408].map(bytes)).toEqual(["0 B", "1023 B", "1.0 KiB", "11.9 MiB", "55.0 GiB"]);
    expect(bytes(2 ** 70)).toBe("1048576 PiB");
  });
  it("never says that all is done before it is", () => {
    expect(percent(999, 1000)).toBe("99%");
    expect(percent(1000, 1000)).toBe("100%");
    expect(percent(0, 0)).toBe("0%");
  });
  it("groups digits and reads times", () => {
    expect(count(1_204_551)).toBe("1,204,551");
    expect([7.2, 61, 3729].map(clock)).toEqual(["0:07", "1:01", "1:02:09"]);
  });
  it("says the rest at the rate so far, and nothing before there is one", () => {
    expect(pace(0, 10, 5)).toEqual({ rate: null, seconds_left: null });
    expect(pace(20, 30, 10)).toEqual({ rate: 2, seconds_left: 15 });
  });
});
