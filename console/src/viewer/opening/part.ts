// The one part of an answer in `multipart/related` (RFC 2387), as WADO-RS gives a frame (PS3.18 §10.4).

export interface Frame {
  bytes: Uint8Array;
  /** How the bytes are coded (PS3.5 annex A). */
  transferSyntax: string;
}

/** Throws where the answer is no such part. */
export function partOf(body: Uint8Array): Frame {
  const head = find(body, "\r\n\r\n", 0);
  const lines = head < 0 ? [] : new TextDecoder().decode(body.subarray(0, head)).split("\r\n");
  const boundary = lines.find((line) => line.startsWith("--"));
  const syntax = lines.map((line) => /^content-type:.*transfer-syntax="?([0-9.]+)"?/i.exec(line)?.[1]).find((one) => one !== undefined);
  const end = boundary === undefined ? -1 : findLast(body, `\r\n${boundary}--`);
  if (syntax === undefined || end < head + 4) throw new Error("the answer is not one part with its transfer syntax");
  return { bytes: body.subarray(head + 4, end), transferSyntax: syntax };
}

// === helpers ===

function find(body: Uint8Array, words: string, from: number): number {
  const wanted = new TextEncoder().encode(words);
  for (let at = from; at + wanted.length <= body.length; at += 1) if (wanted.every((byte, index) => body[at + index] === byte)) return at;
  return -1;
}

function findLast(body: Uint8Array, words: string): number {
  const wanted = new TextEncoder().encode(words);
  for (let at = body.length - wanted.length; at >= 0; at -= 1) if (wanted.every((byte, index) => body[at + index] === byte)) return at;
  return -1;
}
