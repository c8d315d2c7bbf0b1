// An answer as the one file that people carry.
import { hex, sha256 } from "../../../lib/bytes";
import { save } from "../../../lib/download";
import { zip } from "../../../lib/zip";
import type { Answer } from "./answer";

export interface Packed {
  name: string;
  bytes: number;
  sha256: string;
  keep: () => void;
}

/** The zip file of a bundle, with its digest. What it is made of is loaded only now. */
export async function pack(answer: Answer, name: string, program: string): Promise<Packed> {
  const { filesOf } = await import("./files");
  const content = zip(await filesOf(answer, Date.now(), program));
  return { name, bytes: content.length, sha256: hex(await sha256(content)), keep: () => save(name, "application/zip", content) };
}
