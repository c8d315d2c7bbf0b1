// What the archive answers when it is asked for evidence, and how much of it holds when it is checked here.
import { utf8 } from "../../../lib/bytes";
import type { LogKey } from "../../../lib/note";
import { isBroken, isProved, readProof, verify } from "../../../lib/tlog";

export interface About {
  institution: string;
  study: string | null;
  patient: string | null;
  actor: string | null;
  from_ms: number | null;
  until_ms: number | null;
}

export interface Answer {
  about: About;
  found: { leaves: number; is_exact: boolean } | null;
  next: string | null;
  public_key: string;
  checkpoint: string;
  leaves: { index: number; leaf: string; proof: string }[];
  witnessed: { checkpoint: string; consistency: string[] } | null;
  policy_set: { sha256: string; files: Record<string, string> };
}

/** How many leaves hold, and how many do not; `signed` where the key says so too. */
export async function check(answer: Answer, key: LogKey | null): Promise<{ holds: number; broken: number; signed: boolean }> {
  let [holds, broken, signed] = [0, 0, answer.leaves.length > 0];
  for (const { index, leaf, proof } of answer.leaves) {
    const read = readProof(proof);
    const found = read && read.index === index && read.noteText === answer.checkpoint ? await verify(utf8(leaf), read, null, key) : null;
    if (found && !isBroken(found)) holds += 1;
    else broken += 1;
    signed &&= found !== null && isProved(found);
  }
  return { holds, broken, signed };
}
