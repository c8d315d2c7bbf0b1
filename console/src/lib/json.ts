// The bytes of a part of a JSON text, as they stand there. What was hashed is a spelling, and reading a text and writing it anew may give
// another one: numbers beyond 2^53 lose their last digits.

/** The spelling of one member of each object in the array that a text is. The text has been read as JSON before. */
export function spellings(text: string, member: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let name = "";
  let start = -1;
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (character === '"') {
      const end = endOfString(text, at);
      if (depth === 2 && start < 0) name = text.slice(at + 1, end - 1);
      at = end;
      continue;
    }
    if (character === ":" && depth === 2 && start < 0 && name === member) start = at + 1;
    if (character === "{" || character === "[") depth += 1;
    if (character === "}" || character === "]") depth -= 1;
    const ends = (character === "," && depth === 2) || (character === "}" && depth === 1);
    if (ends && start >= 0) {
      found.push(text.slice(start, at).trim());
      start = -1;
      name = "";
    }
    at += 1;
  }
  return found;
}

// === helpers ===

/** The place behind the string that begins at a quotation mark. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text[at] !== '"') at += text[at] === "\\" ? 2 : 1;
  return at + 1;
}
