// Proofs that a leaf is in a log (C2SP tlog-proof, RFC 9162 §2.1.3), checked step by step where the page runs, so that each step can be
// shown. What comes out is said about these bytes alone: whose key it was has to be known from elsewhere.
import { fromBase64, same, sha256, type Bytes } from "./bytes";
import { judge, readCheckpoint, readNote, wholeNumber, type Checkpoint, type Judgement, type LogKey, type Note } from "./note";

const HEADER = "c2sp.org/tlog-proof@v1";
const HASH_BYTES = 32;
/** A tree of 2^53 leaves, which is as many as there can be here, is that high. */
const PATH_MAX = 53;

export interface Proof {
  index: number;
  path: Bytes[];
  /** The signed note behind the path, as it came. */
  noteText: string;
  note: Note;
  checkpoint: Checkpoint;
}

/** One step up: a node computed here, of the node below and a sibling that came with the proof. */
interface Level {
  /** The node that the step began with. */
  node: Bytes;
  sibling: Bytes;
  /** On which side the sibling is. */
  side: "left" | "right";
  /** SHA-256(0x01, left, right). */
  parent: Bytes;
  /** Which leaves are below: from, and to without the last. */
  nodeLeaves: Span;
  siblingLeaves: Span;
}

export type Span = readonly [number, number];

export interface Climb {
  leafHash: Bytes;
  levels: Level[];
  /** What the path leads to. */
  root: Bytes;
  /** Whether the path has the length that a tree of this size asks for. */
  fitsSize: boolean;
}

/** Where a proof stops holding. Each later step is said besides, as far as it can be. */
export interface Verification {
  climb: Climb;
  /** The hash of the leaf is the one that the list said, where a list did. */
  leafAsListed: boolean | null;
  pathFits: boolean;
  rootIsSigned: boolean;
  /** The signature, where a key is known. */
  signature: Judgement | "no-key" | "other-log";
}

export const leafHash = (leaf: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(0), leaf);

export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Bytes> => sha256(Uint8Array.of(1), left, right);

/** Reads the text of a proof; nothing where it is none. */
export function readProof(text: string): Proof | null {
  const end = text.indexOf("\n\n");
  if (end < 0) return null;
  const lines = text.slice(0, end).split("\n");
  if (lines.shift() !== HEADER) return null;
  // Extra data is for applications; nobody has signed it.
  if (lines[0]?.startsWith("extra ") === true) lines.shift();
  const index = wholeNumber(/^index (\d+)$/.exec(lines.shift() ?? "")?.[1] ?? "");
  const path = lines.map(fromBase64);
  const noteText = text.slice(end + 2);
  const note = readNote(noteText);
  const checkpoint = note && readCheckpoint(note.text);
  if (index === null || note === null || checkpoint === null || path.length > PATH_MAX) return null;
  if (!path.every((hash): hash is Bytes => hash?.length === HASH_BYTES)) return null;
  return { index, path, noteText, note, checkpoint };
}

/** Goes from a leaf to a root by the path of a proof. */
export async function climb(leaf: Uint8Array, index: number, size: number, path: readonly Bytes[]): Promise<Climb> {
  const first = await leafHash(leaf);
  const levels: Level[] = [];
  const turns = turnsOf(index, size);
  let node = first;
  let leaves: Span = [index, index + 1];
  for (const [height, sibling] of path.entries()) {
    // Behind the end of the path that the size asks for there are no places any more; the rest is climbed all the same, to be seen.
    const turn = turns[height] ?? { side: "right" as const, siblingLeaves: [size, size] as Span };
    const parent = turn.side === "left" ? await nodeHash(sibling, node) : await nodeHash(node, sibling);
    levels.push({ node, sibling, side: turn.side, parent, nodeLeaves: leaves, siblingLeaves: turn.siblingLeaves });
    leaves = [Math.min(leaves[0], turn.siblingLeaves[0]), Math.max(leaves[1], turn.siblingLeaves[1])];
    node = parent;
  }
  return { leafHash: first, levels, root: node, fitsSize: index < size && path.length === turns.length };
}

/** On which side the sibling is at each step, and what it covers, from the leaf up (RFC 6962 §2.1.1). */
export function turnsOf(index: number, size: number): { side: "left" | "right"; siblingLeaves: Span }[] {
  const turns: { side: "left" | "right"; siblingLeaves: Span }[] = [];
  let [start, end] = [0, size];
  if (index < 0 || index >= size) return [];
  while (end - start > 1) {
    const split = start + splitOf(end - start);
    if (index < split) {
      turns.push({ side: "right", siblingLeaves: [split, end] });
      end = split;
    } else {
      turns.push({ side: "left", siblingLeaves: [start, split] });
      start = split;
    }
  }
  return turns.reverse();
}

/** Everything that can be checked here about a leaf and its proof. */
export async function verify(leaf: Uint8Array, proof: Proof, listed: Uint8Array | null, key: LogKey | null): Promise<Verification> {
  const { index, path, checkpoint, note } = proof;
  const climbed = await climb(leaf, index, checkpoint.size, path);
  const signature = key === null ? "no-key" : key.name !== checkpoint.origin ? "other-log" : await judge(note, key);
  return {
    climb: climbed,
    leafAsListed: listed === null ? null : same(climbed.leafHash, listed),
    pathFits: climbed.fitsSize,
    rootIsSigned: same(climbed.root, checkpoint.root),
    signature,
  };
}

/** Whether the leaf is in the log of the checkpoint; a signature that could not be looked at is not a good one. */
export function isProved(of: Verification): boolean {
  return of.leafAsListed !== false && of.pathFits && of.rootIsSigned && of.signature === "fits";
}

/** Whether something that could be checked does not hold. */
export function isBroken(of: Verification): boolean {
  return of.leafAsListed === false || !of.pathFits || !of.rootIsSigned || !["fits", "no-key", "unable"].includes(of.signature);
}

// === helpers ===

/** The largest power of two below a number of leaves. */
function splitOf(leaves: number): number {
  let split = 1;
  while (split * 2 < leaves) split *= 2;
  return split;
}
