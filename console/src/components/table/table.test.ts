import { expect, test } from "vitest";
import type { Column } from "../DataTable";
import { rowAfter } from "./cursor";
import { narrowest } from "./widths";
import { afterClick, ordered, orderOf } from "./order";

test("each key leads to a row that there is, from wherever the last one led", () => {
  expect(["ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End"].map((key) => rowAfter(key, 5, 100, 10))).toEqual([6, 4, 15, 0, 0, 99]);
  expect(["ArrowDown", "ArrowUp", "End"].map((key) => rowAfter(key, -1, 3, 10))).toEqual([0, 0, 2]);
  expect([rowAfter("ArrowDown", 2, 3, 10), rowAfter("ArrowDown", -1, 0, 10), rowAfter("a", 1, 3, 10)]).toEqual([2, null, null]);
});

test("columns are together at least as wide as each of them at its narrowest", () => {
  expect(narrowest(["5.5rem", "minmax(8rem, 1.6fr)", "minmax(7rem,1fr)"])).toBe(20.5);
  expect(narrowest([])).toBe(0);
});

test("the head of a column orders up, then down, then not at all", () => {
  const steps = ["name"];
  for (let click = 0; click < 3; click++) steps.push(afterClick(orderOf(steps.at(-1) ?? null), "name"));
  expect(steps).toEqual(["name", "-name", "", "name"]);
  expect(afterClick(orderOf("-name"), "age")).toBe("age");
  expect([orderOf(null), orderOf(""), orderOf("-")]).toEqual([null, null, null]);
});

test("rows are ordered as people read them, and equal ones stay as they came", () => {
  interface Row {
    name: string;
    size: number;
  }
  const of = (key: string, text: (row: Row) => string, sort?: (row: Row) => number): Column<Row> => ({ key, title: key, width: "1fr", cell: text, text, ...(sort ? { sort } : {}) });
  const columns = [of("name", (row) => row.name), of("size", (row) => `${row.size} MB`, (row) => row.size)];
  const rows = [
    { name: "CT-10", size: 5 },
    { name: "CT-9", size: 40 },
    { name: "CT-9", size: -7 },
  ];
  const sizes = (order: string) => ordered(rows, columns, orderOf(order), "zh-CN").map((row) => row.size);
  expect(sizes("name")).toEqual([40, -7, 5]);
  expect(sizes("-name")).toEqual([5, 40, -7]);
  expect(sizes("size")).toEqual([-7, 5, 40]);
  expect(ordered(rows, columns, orderOf("gone"), "en")).toBe(rows);
  const names = ["王", "李", "张"].map((name) => ({ name, size: 0 }));
  expect(ordered(names, columns, orderOf("name"), "zh-CN").map((row) => row.name)).toEqual(["李", "王", "张"]);
});
