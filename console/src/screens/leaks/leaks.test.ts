import { describe, expect, it } from "vitest";
import { BYTES_MAX, faultOf, isNumber, outcomeOf, quoted, type Opening, type Traced } from "./leaks";

const opening: Opening = { log: "a", index: 7, time_ms: 1, actor: "expert-li", actor_kind: "person", role: "remote-expert", kind: "access", patient: "p", study: "s", node: "n" };
const picture = { series_uid: "1.2", instance_uid: "1.3", frame: 1, likeness: 0.9 };
const traced = (change: Partial<Traced> = {}): Traced => ({
  attributed: false, sureness: null, opening: null, picture: null, told: null, frames: 4, openings: 2, logs_whole: true, ...change,
});

describe("a found picture", () => {
  it("is worth sending as PNG or JPEG, up to what the server takes", () => {
    expect(faultOf({ type: "image/png", size: BYTES_MAX })).toBe(null);
    expect(faultOf({ type: "image/jpeg", size: BYTES_MAX + 1 })).toBe("size");
    expect(faultOf({ type: "application/dicom", size: 1 })).toBe("type");
  });
  it("is of an opening, of a number that nobody knows, of a frame without a mark, or of no frame", () => {
    expect(outcomeOf(traced({ attributed: true, opening, sureness: 41, picture }))).toBe("attributed");
    expect(outcomeOf(traced({ told: "WM-V07S-1TC3-63AY", picture }))).toBe("told");
    expect(outcomeOf(traced({ picture }))).toBe("unmarked");
    expect(outcomeOf(traced())).toBe("unlike");
  });
  it("has a number that is read in any spelling of people", () => {
    expect(["WM-V07S-1TC3-63AY", "wm v07s 1tc3 63ay", "V07S1TC363AY"].map(isNumber)).toEqual([true, true, true]);
    expect(["WM-V07S", "", "WM-V07S-1TC3-63A/"].map(isNumber)).toEqual([false, false, false]);
  });
  it("is named in a command line so that nothing of its name is a command", () => {
    expect(quoted("a b.jpg")).toBe("'a b.jpg'");
    expect(quoted("x'; rm -rf ~; '.png")).toBe(`'x'\\''; rm -rf ~; '\\''.png'`);
  });
});
