import { expect, test } from "vitest";
import { signInAgain } from "./address";

test("the way back is the page and nothing that was searched for", () => {
  expect(signInAgain("/console/studies/1.2.3")).toBe("/login?next=%2Fconsole%2Fstudies%2F1.2.3");
});
