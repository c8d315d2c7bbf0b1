import { expect, test, vi } from "vitest";
import { gather, type Part } from "./gather";

/** Pages of so many rows: `page` leads to the number behind it. */
const pages = (sizes: number[], whole = true): Part<number>[] => {
  let from = 0;
  return sizes.map((size, at) => {
    const rows = Array.from({ length: size }, (_, place) => from + place);
    from += size;
    return { rows, next: at + 1 < sizes.length ? String(at + 1) : null, whole };
  });
};
const asking = (all: Part<number>[]) => vi.fn((cursor: string) => Promise.resolve(all[Number(cursor)]!));

test("the pages that are not there yet are asked for, and each once", async () => {
  const all = pages([3, 4, 0, 2]);
  const [ask, told] = [asking(all), vi.fn()];
  expect(await gather(all.slice(0, 2), ask, told)).toEqual({ rows: [0, 1, 2, 3, 4, 5, 6, 7, 8], end: "all" });
  expect(ask.mock.calls).toEqual([["2"], ["3"]]);
  expect(told.mock.lastCall).toEqual([9]);
});

test("a list that is there needs nobody to be asked", async () => {
  const ask = asking([]);
  expect(await gather(pages([5]), ask, () => undefined)).toEqual({ rows: [0, 1, 2, 3, 4], end: "all" });
  expect(await gather([], ask, () => undefined)).toEqual({ rows: [], end: "all" });
  expect(ask).not.toHaveBeenCalled();
});

test("a file takes no more than its bound, and says that there is more", async () => {
  const all = pages([3, 3, 3]);
  const ask = asking(all);
  expect(await gather(all.slice(0, 1), ask, () => undefined, 5)).toEqual({ rows: [0, 1, 2, 3, 4], end: "bound" });
  expect(ask).toHaveBeenCalledTimes(1);
  expect(await gather(all.slice(0, 1), ask, () => undefined, 9)).toMatchObject({ end: "all" });
  expect(await gather(all.slice(0, 1), ask, () => undefined, 6)).toMatchObject({ end: "bound" });
});

test("what the server could not give is told, wherever it was", async () => {
  const all = [...pages([2, 2]).slice(0, 1), { rows: [2], next: null, whole: false }];
  expect(await gather(all.slice(0, 1), asking(all), () => undefined)).toEqual({ rows: [0, 1, 2], end: "cut" });
  expect(await gather([{ rows: [1], next: "0", whole: true }], asking([{ rows: [2], next: "0", whole: true }]), () => undefined)).toEqual({ rows: [1, 2], end: "cut" });
});

test("a refusal on the way is no file", async () => {
  const ask = () => Promise.reject(new Error("refused"));
  await expect(gather(pages([1, 1]).slice(0, 1), ask, () => undefined)).rejects.toThrow("refused");
});
