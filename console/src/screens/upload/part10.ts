// What the head of a DICOM file (PS3.10 §7.1) tells: that it is one. The rest is the server's to judge.

const PREAMBLE_BYTES = 128;
const MAGIC = [0x44, 0x49, 0x43, 0x4d];

/** Bytes of a file that have to be read to know. */
export const HEAD_BYTES = PREAMBLE_BYTES + MAGIC.length;

/** Whether a file with this beginning is a DICOM file. */
export function isPart10(head: Uint8Array): boolean {
  return head.length >= HEAD_BYTES && MAGIC.every((byte, index) => head[PREAMBLE_BYTES + index] === byte);
}

/** A DICOMDIR lists other files and is no image; what media carry beside it neither. */
export function isBeside(name: string): boolean {
  const last = name.split("/").at(-1)?.toLowerCase() ?? "";
  return last === "dicomdir" || last.startsWith(".") || /\.(txt|htm|html|exe|inf|ini|xml|css|js|pdf)$/.test(last);
}
