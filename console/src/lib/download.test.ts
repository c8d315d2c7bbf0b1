import { expect, test } from "vitest";
import { cell, csv } from "./download";

test("what a spreadsheet would take for a formula is none", () => {
  for (const text of ["=1+1", "+1", "-cmd", "@SUM(A1)", "\tx", "=HYPERLINK(1)"]) expect(cell(text)).toBe(`'${text}`);
  expect(cell('=HYPERLINK("http://x","y")')).toBe(`"'=HYPERLINK(""http://x"",""y"")"`);
  expect(cell("\r=1")).toBe(`"'\r=1"`);
  for (const number of ["-1", "-0.5", "12"]) expect(cell(number)).toBe(number);
});

test("a table begins with its head and has a line for each row", () => {
  expect(csv(["a", "b"], [["1", 'x,"y'], ["", "z\nw"]])).toBe('\u{feff}a,b\r\n1,"x,""y"\r\n,"z\nw"\r\n');
});
