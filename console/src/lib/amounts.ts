// Amounts as people read them, the same on every screen.

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** `11.9 MiB`. */
export function bytes(amount: number): string {
  let unit = 0;
  let value = amount;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `1,204,551`. */
export function count(amount: number): string {
  return amount.toLocaleString("en-US");
}

/** `37%`; whole only when it is whole. */
export function percent(part: number, of: number): string {
  if (of <= 0) return "0%";
  return `${Math.min(part >= of ? 100 : 99, Math.floor((part / of) * 100))}%`;
}

/** `1:02:09`, `0:07`: hours only where there are any. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export interface Pace {
  /** A second, or nothing while there is nothing to say. */
  rate: number | null;
  seconds_left: number | null;
}

/** How fast something goes, and how long the rest takes at that rate. */
export function pace(done: number, left: number, seconds: number): Pace {
  if (done <= 0 || seconds <= 0) return { rate: null, seconds_left: null };
  const rate = done / seconds;
  return { rate, seconds_left: Math.ceil(left / rate) };
}
