// Moments as people read them. Milliseconds since 1970 come in; the zone is that of the browser, and the title of each says it.

/** `2026-11-23 14:03:07`, the same in both languages. */
export function moment(ms: number): string {
  const of = new Date(ms);
  return `${day(ms)} ${two(of.getHours())}:${two(of.getMinutes())}:${two(of.getSeconds())}`;
}

/** `2026-11-23`. */
export function day(ms: number): string {
  const of = new Date(ms);
  return `${of.getFullYear()}-${two(of.getMonth() + 1)}-${two(of.getDate())}`;
}

/** `3 分钟前`, `in 2 hours`. */
export function ago(ms: number, now: number, language: string): string {
  const seconds = Math.round((ms - now) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length || unit === "second") return format.format(Math.trunc(seconds / length), unit);
  }
  return "";
}

/** `YYYYMMDD` of DICOM as `YYYY-MM-DD`; anything else as it is. */
export function dicomDate(text: string): string {
  return /^\d{8}$/.test(text) ? `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}` : text;
}

/** `HHMMSS.FFFFFF` of DICOM as `HH:MM`; anything else as it is. */
export function dicomTime(text: string): string {
  return /^\d{4}/.test(text) ? `${text.slice(0, 2)}:${text.slice(2, 4)}` : text;
}

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

function two(value: number): string {
  return String(value).padStart(2, "0");
}
