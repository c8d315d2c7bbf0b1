// Files that the console hands to the browser, and texts that become cells of a table elsewhere.

/** Has the browser keep a file. */
export function save(name: string, type: string, content: BlobPart): void {
  const address = URL.createObjectURL(new Blob([content], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** A table as CSV (RFC 4180) with a byte order mark, as Excel wants it for Chinese. */
export function csv(head: string[], rows: string[][]): string {
  const lines = [head, ...rows].map((cells) => cells.map(cell).join(","));
  return `\u{feff}${lines.join("\r\n")}\r\n`;
}

/** One cell. What a spreadsheet would take for a formula begins with an apostrophe: names come from outside. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
