// How a sample was drawn, as words of an address: whoever gets the link sees it, too, and can draw it again.
import { hex, sha256, utf8 } from "../../../lib/bytes";

export interface Drawn {
  /** `all`: among the numbers of the log. `filtered`: among all that fit. `cut`: among the newest that fit alone. */
  kind: "all" | "filtered" | "cut";
  of: number;
  redrawn: number;
  seed: string;
  /** What was searched for, as the query of a search; nothing where it was the whole log. */
  filters: string;
}

export function writeDrawn({ kind, of, redrawn, seed, filters }: Drawn): string {
  return [kind, of, redrawn, seed, ...(filters === "" ? [] : [filters])].join(".");
}

export function readDrawn(text: string | null): Drawn | null {
  const found = /^(all|filtered|cut)\.(\d{1,15})\.(\d{1,15})\.([0-9a-f]{32})(?:\.([!-~]{1,1000}))?$/.exec(text ?? "");
  const [, kind = "", of = "", redrawn = "", seed = "", filters = ""] = found ?? [];
  return found ? { kind: kind as Drawn["kind"], of: Number(of), redrawn: Number(redrawn), seed, filters } : null;
}

/** By what a sample is known: SHA-256 over what was drawn and how, a line each, as the archive computes it. */
export async function sampleDigest({ kind, of, seed, filters }: Drawn, records: readonly string[]): Promise<string> {
  const lines = ["yingdun audit sample v1", `drawn ${kind}`, `of ${of}`, `seed ${seed}`, `filters ${filters}`, ...records];
  return hex(await sha256(utf8(`${lines.join("\n")}\n`)));
}
