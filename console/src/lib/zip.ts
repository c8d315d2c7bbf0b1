// Files in one zip file, stored as they are (APPNOTE 6.3, without compression): small texts, made where the page runs.
import { join, utf8, type Bytes } from "./bytes";

export type Files = Map<string, Bytes>;

/** The earliest moment that a zip file can name: the same files give the same bytes. */
const NO_DATE = 0x0021;
/** Names are UTF-8. */
const FLAGS = 0x0800;
const VERSION = 20;

export function zip(files: Files): Bytes {
  const bodies: Bytes[] = [];
  const entries: Bytes[] = [];
  let offset = 0;
  for (const [name, content] of files) {
    const nameBytes = utf8(name);
    const common = [u16(FLAGS), u16(0), u16(0), u16(NO_DATE), u32(crc32(content)), u32(content.length), u32(content.length), u16(nameBytes.length), u16(0)];
    const body = join(u32(0x04034b50), u16(VERSION), ...common, nameBytes, content);
    entries.push(join(u32(0x02014b50), u16(VERSION), u16(VERSION), ...common, u16(0), u16(0), u16(0), u32(0), u32(offset), nameBytes));
    bodies.push(body);
    offset += body.length;
  }
  const directory = join(...entries);
  const end = join(u32(0x06054b50), u16(0), u16(0), u16(files.size), u16(files.size), u32(directory.length), u32(offset), u16(0));
  return join(...bodies, directory, end);
}

/** CRC-32 as zip files have it. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ (TABLE[(crc ^ byte) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}

// === helpers ===

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

function u16(value: number): Bytes {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff);
}

function u32(value: number): Bytes {
  return Uint8Array.of(value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, (value >>> 24) & 0xff);
}
