// A copy of a record or of its proof in which one bit is another. It shows what a check is worth; nothing of it is sent to anybody.
import { base64, utf8, type Bytes } from "../../../lib/bytes";
import type { Proof } from "../../../lib/tlog";

export type Part = "record" | "sibling" | "root" | "signature";

export interface Tamper {
  part: Part;
  /** Which sibling, from the leaf up. */
  level: number;
  /** Which bit of the part. */
  bit: number;
}

export interface Tampered {
  leaf: Bytes;
  proof: Proof;
  /** Which byte it was, and what it became. */
  byte: number;
  before: number;
  after: number;
}

/** How many bits there are to flip. */
export function bitsOf(part: Part, level: number, leaf: Bytes, proof: Proof): number {
  return 8 * (bytesOf(part, level, leaf, proof)?.length ?? 0);
}

export function tampered(leaf: Bytes, proof: Proof, { part, level, bit }: Tamper): Tampered | null {
  const original = bytesOf(part, level, leaf, proof);
  const byte = Math.floor(bit / 8);
  const before = original?.[byte];
  if (original === undefined || before === undefined) return null;
  const changed = original.slice();
  const after = before ^ (1 << (bit % 8));
  changed[byte] = after;
  const told = { byte, before, after };
  switch (part) {
    case "record":
      return { leaf: changed, proof, ...told };
    case "sibling":
      return { leaf, proof: { ...proof, path: proof.path.map((hash, at) => (at === level ? changed : hash)) }, ...told };
    case "root": {
      const text = proof.note.text.replace(base64(proof.checkpoint.root), base64(changed));
      const note = { ...proof.note, text };
      return { leaf, proof: { ...proof, note, checkpoint: { ...proof.checkpoint, root: changed } }, ...told };
    }
    case "signature": {
      const [first, ...rest] = proof.note.signatures;
      if (!first) return null;
      return { leaf, proof: { ...proof, note: { ...proof.note, signatures: [{ ...first, bytes: changed }, ...rest] } }, ...told };
    }
  }
}

/** Some bit of a part, by chance. In a record it is one that leaves a character readable. */
export function anyBit(part: Part, level: number, leaf: Bytes, proof: Proof): number {
  const bits = bitsOf(part, level, leaf, proof);
  const [chance = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  if (part !== "record") return bits === 0 ? 0 : chance % bits;
  return 8 * (chance % Math.max(1, bits / 8)) + (low % 3);
}

/** Where the record says something else: a little before, the character, a little behind. */
export function around(text: string, byte: number): { before: string; behind: string } {
  const bytes = utf8(text);
  const read = (from: number, to: number) => new TextDecoder().decode(bytes.slice(Math.max(0, from), to));
  return { before: read(byte - 18, byte), behind: read(byte + 1, byte + 19) };
}

// === helpers ===

function bytesOf(part: Part, level: number, leaf: Bytes, proof: Proof): Bytes | undefined {
  if (part === "record") return leaf;
  if (part === "sibling") return proof.path[level];
  return part === "root" ? proof.checkpoint.root : proof.note.signatures[0]?.bytes;
}
