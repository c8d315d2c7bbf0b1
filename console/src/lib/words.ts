// Words one after the other, as each language parts them; and as a shell takes them.

export function listed(words: string[], language: string): string {
  return words.join(language.startsWith("zh") ? "、" : ", ");
}

/** A word of a shell. */
export function quoted(text: string): string {
  return /^[\w.:/@+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
