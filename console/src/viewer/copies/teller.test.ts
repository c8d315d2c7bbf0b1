import { expect, test } from "vitest";
import { Teller, type Signal } from "./teller";

test("a kind is told once a minute, with how often it was, and every signal has a number", () => {
  const sent: Signal[] = [];
  const teller = new Teller((signal) => sent.push(signal), "0123456789abcdef");
  teller.tell("hidden", "1.2", 0);
  teller.tell("hidden", "1.2", 10_000);
  teller.tell("hidden", "1.2", 20_000);
  teller.tell("print", null, 21_000);
  teller.tell("hidden", "1.2", 70_000);
  expect(sent).toEqual([
    { kind: "hidden", page: "0123456789abcdef", number: 1, times: 1, study: "1.2" },
    { kind: "print", page: "0123456789abcdef", number: 2, times: 1 },
    { kind: "hidden", page: "0123456789abcdef", number: 3, times: 3, study: "1.2" },
  ]);
});

test("what was only counted is told when its minute is over, and all of it when the page is left", () => {
  const sent: Signal[] = [];
  const teller = new Teller((signal) => sent.push(signal));
  for (const at of [0, 1000, 2000, 3000]) teller.tell("print-key", "1.2", at);
  teller.flush(30_000, false);
  expect(sent.map(({ times }) => times)).toEqual([1]);
  teller.flush(60_000, false);
  expect(sent.map(({ times, study }) => [times, study])).toEqual([[1, "1.2"], [3, "1.2"]]);
  teller.tell("print-key", "1.2", 61_000);
  teller.flush(61_500, true);
  teller.flush(200_000, true);
  expect(sent.map(({ times, number }) => [times, number])).toEqual([[1, 1], [3, 2], [1, 3]]);
});

test("what one key does twice is one signal", () => {
  const sent: Signal[] = [];
  const teller = new Teller((signal) => sent.push(signal));
  teller.tell("print", null, 0);
  teller.tell("print", null, 400);
  teller.tell("print", null, 61_000);
  expect(sent.map((signal) => signal.times)).toEqual([1, 1]);
  expect(sent[0]!.page).toMatch(/^[0-9a-f]{16}$/);
});
