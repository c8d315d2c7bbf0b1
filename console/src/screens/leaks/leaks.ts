// A picture that was found outside: what may be sent of it, and what the server found. It names an opening, and never a culprit.

/** Who looked, when and at what, as the audit log has it. */
export interface Opening {
  log: string;
  index: number;
  time_ms: number;
  actor: string;
  actor_kind: string;
  role: string | null;
  /** `access`, or `copied` where a file or a page was made. */
  kind: string;
  patient: string | null;
  study: string | null;
  node: string | null;
}

export interface Traced {
  attributed: boolean;
  sureness: number | null;
  opening: Opening | null;
  picture: { series_uid: string; instance_uid: string; frame: number; likeness: number } | null;
  /** The number that the picture tells by itself, whether or not it is of an opening that is known. */
  told: string | null;
  frames: number;
  openings: number;
  logs_whole: boolean;
}

export interface Looked {
  number: string;
  attributed: boolean;
  opening: Opening | null;
  logs_whole: boolean;
}

/** What the server takes. */
export const BYTES_MAX = 32 * 1024 * 1024;
const TYPES = ["image/png", "image/jpeg"];

/** Why a file is not worth sending, if it is not. */
export function faultOf(file: { type: string; size: number }): "type" | "size" | null {
  if (!TYPES.includes(file.type)) return "type";
  return file.size > BYTES_MAX ? "size" : null;
}

/** What came of it: whose opening it is of; a number of no opening that is known; a frame that has nothing to tell; or no frame. */
type Outcome = "attributed" | "told" | "unmarked" | "unlike";

export function outcomeOf(traced: Traced): Outcome {
  if (traced.attributed && traced.opening !== null) return "attributed";
  if (traced.told !== null) return "told";
  return traced.picture === null ? "unlike" : "unmarked";
}

/** A number as people write it, in the spelling of the path. */
export function isNumber(text: string): boolean {
  return /^(?:[Ww][Mm])?(?:[ -]?[0-9A-Za-z]){12}$/.test(text.trim());
}

/** A file name within a command line: in quotes, so that nothing of it is a command. */
export function quoted(name: string): string {
  return `'${name.replaceAll("'", `'\\''`)}'`;
}
