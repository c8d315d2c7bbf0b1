import { expect, test } from "vitest";
import { tile } from "./watermark";

test("what stands in the mark is text and never part of the picture's own language", () => {
  const made = decodeURIComponent(tile('王<script>"&'));
  expect(made).toContain("王&lt;script>&quot;&amp;");
  expect(made).not.toContain("<script");
});
