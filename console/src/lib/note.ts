// Signed notes (C2SP signed-note) and the checkpoints of logs in them (C2SP tlog-checkpoint). Nothing here is believed: what is read is
// checked by who reads it.
import { fromBase64, hex, sha256, utf8, type Bytes } from "./bytes";

interface Signature {
  name: string;
  keyId: string;
  bytes: Bytes;
}

export interface Note {
  /** What is signed, with its last newline. */
  text: string;
  signatures: Signature[];
}

export interface Checkpoint {
  origin: string;
  size: number;
  root: Bytes;
}

/** The public key of a log, as `name+hash+key` has it. */
export interface LogKey {
  name: string;
  keyId: string;
  key: Bytes;
  /** The text that it was read from. */
  text: string;
}

/** The type of Ed25519 in keys and key ids (C2SP signed-note, "Signature types"). */
const ED25519 = 1;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;

export function readNote(note: string): Note | null {
  if (/[\u0000-\u0009\u000b-\u001f\u007f]/.test(note)) return null;
  // The last blank line ends the text; the newline before it belongs to the text.
  const blank = note.lastIndexOf("\n\n");
  if (blank < 0 || !note.endsWith("\n")) return null;
  const signatures: Signature[] = [];
  for (const line of note.slice(blank + 2, -1).split("\n")) {
    const parts = /^\u2014 (\S+) (\S+)$/.exec(line);
    const bytes = fromBase64(parts?.[2] ?? "");
    if (parts === null || bytes === null || bytes.length <= KEY_ID_BYTES) return null;
    signatures.push({ name: parts[1] ?? "", keyId: hex(bytes.slice(0, KEY_ID_BYTES)), bytes: bytes.slice(KEY_ID_BYTES) });
  }
  return { text: note.slice(0, blank + 1), signatures };
}

/** The first three lines of a note: which log, how many leaves, which root. */
export function readCheckpoint(text: string): Checkpoint | null {
  const [origin = "", sizeText = "", rootText = ""] = text.split("\n");
  const root = fromBase64(rootText);
  const size = wholeNumber(sizeText);
  return origin === "" || size === null || root?.length !== KEY_BYTES ? null : { origin, size, root };
}

/** Reads a key in its text form, and holds its hash against it. */
export async function readKey(text: string): Promise<LogKey | null> {
  const parts = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim());
  const bytes = fromBase64(parts?.[3] ?? "");
  if (parts === null || bytes?.length !== KEY_BYTES + 1 || bytes[0] !== ED25519) return null;
  const name = parts[1] ?? "";
  const keyId = hex((await sha256(utf8(`${name}\n`), bytes)).slice(0, KEY_ID_BYTES));
  return keyId === parts[2] ? { name, keyId, key: bytes.slice(1), text: text.trim() } : null;
}

/** What people compare: SHA-256 of the file `audit.vkey`, as `sha256sum` prints it, in groups of four digits. */
export async function fingerprint(key: LogKey): Promise<string> {
  const digits = hex(await sha256(utf8(`${key.text}\n`)));
  return (digits.match(/.{4}/g) ?? []).join(" ");
}

/** `fits`: the key signed the note. `wrong`: it is said to have and did not. `none`: it did not. `unable`: this browser cannot tell. */
export type Judgement = "fits" | "wrong" | "none" | "unable";

export async function judge(note: Note, key: LogKey): Promise<Judgement> {
  const lines = note.signatures.filter((line) => line.name === key.name && line.keyId === key.keyId);
  if (lines.length === 0) return "none";
  let verifier: CryptoKey;
  try {
    verifier = await crypto.subtle.importKey("raw", key.key, "Ed25519", false, ["verify"]);
  } catch {
    return "unable";
  }
  for (const line of lines) {
    if (!(await crypto.subtle.verify("Ed25519", verifier, line.bytes, utf8(note.text)))) return "wrong";
  }
  return "fits";
}

/** A decimal number without leading zeros that this language holds exactly. */
export function wholeNumber(text: string): number | null {
  return /^(0|[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : null;
}

/** The digest in cursors of the log of a name: the first eight bytes of its SHA-256. */
export async function cursorBefore(log: string, index: number): Promise<string> {
  return `before-${index}-in-${hex((await sha256(utf8(log))).slice(0, 8))}`;
}
