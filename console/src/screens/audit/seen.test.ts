import { expect, test } from "vitest";
import { contradiction } from "./seen";

const of = (size: number, root: string) => ({ size, root, at_ms: 1 });

test("a log only grows", () => {
  expect(contradiction(undefined, of(5, "a"))).toBeNull();
  expect(contradiction(of(5, "a"), of(6, "b"))).toBeNull();
  expect(contradiction(of(5, "a"), of(5, "a"))).toBeNull();
  expect(contradiction(of(5, "a"), of(5, "b"))?.kind).toBe("forked");
  expect(contradiction(of(5, "a"), of(4, "a"))?.kind).toBe("shrunk");
});
