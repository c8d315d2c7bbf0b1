import { expect, test } from "vitest";
import { faultOf, keptOf, shownBy, viewsOf, VIEWS_MAX, withView, type View } from "./views";

const view = (name: string, query = "state=held", hidden: string[] | null = null): View => ({ name, query, hidden });

test("only what is named is kept, whatever else stands in the address", () => {
  expect(keptOf("?text=张三&state=held&hold=7&sort=-placed", ["state", "sort", "kind"])).toBe("sort=-placed&state=held");
  expect(keptOf("?state=", ["state"])).toBe("");
  expect(shownBy(view("a", "state=held&evil=1"), ["state", "sort"], "?sort=name&of=others").toString()).toBe("of=others&state=held");
});

test("what was written into the browser by others is looked at", () => {
  expect(viewsOf(undefined)).toEqual([]);
  expect(viewsOf("no list")).toEqual([]);
  const bad = [null, 3, { name: "" }, { name: "x".repeat(41), query: "" }, { name: "long", query: "x".repeat(2001) }, { name: 1, query: "" }];
  expect(viewsOf([...bad, { name: "good", query: "a=b", hidden: ["one", 2] }, { name: "good", query: "c=d" }])).toEqual([view("good", "a=b", ["one"])]);
  expect(viewsOf(Array.from({ length: 99 }, (_, index) => view(`v${index}`)))).toHaveLength(VIEWS_MAX);
});

test("a name is there once, and names have to be words", () => {
  const both = [view("a"), view("b")];
  expect(withView(both, view("a", "x=1")).map((one) => one.query)).toEqual(["x=1", "state=held"]);
  expect(withView(both, view("c"))).toHaveLength(3);
  expect([faultOf(" ", both), faultOf("a ", both), faultOf("a", both, "a"), faultOf("new", both)]).toEqual(["empty", "taken", null, null]);
  const full = Array.from({ length: VIEWS_MAX }, (_, index) => view(`v${index}`));
  expect([faultOf("new", full), faultOf("new", full, "v1")]).toEqual(["many", null]);
});
