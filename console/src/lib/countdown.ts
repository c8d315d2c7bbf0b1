// How long something still lasts, in the two largest units of it.

const UNITS: [unit: "day" | "hour" | "minute" | "second", length_ms: number][] = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000],
];

/** `2 天 3 小时`, `1h 5m`: a span as people say it, without its sign. */
export function span(milliseconds: number, language: string): string {
  const whole = Math.abs(milliseconds);
  const first = UNITS.findIndex(([, length]) => whole >= length);
  const at = first === -1 ? UNITS.length - 1 : first;
  let rest = whole;
  const words: string[] = [];
  for (const [unit, length] of UNITS.slice(at, at + 2)) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0 || words.length === 0) words.push(inUnit(count, unit, language));
  }
  return words.join(" ");
}

/** How soon the words change, in milliseconds: each second within the last hour, else each half minute. */
export function tick(milliseconds: number): number {
  return Math.abs(milliseconds) < 3_600_000 ? 1_000 : 30_000;
}

/** How urgent a due time is: over, within a quarter of what was given, or far. */
export function urgency(from_ms: number, due_ms: number, now_ms: number): "over" | "near" | "far" {
  if (now_ms >= due_ms) return "over";
  return due_ms - now_ms <= (due_ms - from_ms) / 4 ? "near" : "far";
}

// === helpers ===

function inUnit(count: number, unit: string, language: string): string {
  const unitDisplay = language === "zh-CN" ? "short" : "narrow";
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay }).format(count);
}
