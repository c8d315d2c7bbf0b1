// The overview as the server gives it, and what is worked out of its numbers. Pure.
import type { paths } from "../../api/schema";

export type Overview = paths["/api/v1/overview"]["get"]["responses"][200]["content"]["application/json"];
export type Today = NonNullable<Overview["accesses"]>["today"];
export type Day = NonNullable<Overview["accesses"]>["week"][number];

/** The sum of some numbers. */
export function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** A path of SVG through values, from left to right over `width`, with zero at `height` and `most` at 0. */
export function curve(values: readonly number[], most: number, slots: number, width: number, height: number): string {
  const x = (index: number) => ((index + 0.5) / slots) * width;
  const y = (value: number) => height - (most === 0 ? 0 : (value / most) * height);
  return values.map((value, index) => `${index === 0 ? "M" : "L"}${x(index).toFixed(1)},${y(value).toFixed(1)}`).join("");
}

/** The same closed to the ground, to be filled. */
export function area(values: readonly number[], most: number, slots: number, width: number, height: number): string {
  if (values.length === 0) return "";
  const x = (index: number) => (((index + 0.5) / slots) * width).toFixed(1);
  return `${curve(values, most, slots, width, height)}L${x(values.length - 1)},${height}L${x(0)},${height}Z`;
}

/** A round number not below `most` whose half is whole, for the top of a scale. */
export function top(most: number): number {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 6, 8, 10].map((step) => step * power).find((step) => step >= most && step % 2 === 0) ?? 2 * most;
}

/** Whole days from one moment to another, none where it is over. */
export function daysBetween(from_ms: number, until_ms: number): number {
  return Math.max(0, Math.floor((until_ms - from_ms) / 86_400_000));
}

/** How much of its life a key has behind it, from 0 to 1. */
export function partOfLife(key: { created_ms: number; due_ms: number }, now_ms: number): number {
  const whole = key.due_ms - key.created_ms;
  return whole <= 0 ? 1 : Math.max(0, Math.min(1, (now_ms - key.created_ms) / whole));
}

/** Who a certificate is for: its common name, or the whole of it where it has none. */
export function commonName(subject: string): string {
  return /(?:^|,)\s*CN=([^,]+)/.exec(subject)?.[1]?.trim() ?? subject;
}

/** How dark a cell is, from 0 to 4: by quarters of the most. */
export function shade(value: number, most: number): number {
  return value <= 0 || most <= 0 ? 0 : Math.min(4, 1 + Math.floor(((value - 1) / most) * 4));
}
