// Nothing is kept that nobody uses: texts that no code names, and exports that nobody imports. What is named by a name that is put together
// counts as used where its parts fit, so that nothing that is used is ever found; some that is not used may be missed.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src", import.meta.url));
const files = filesBelow(source);
/** The viewer is loaded in parts, which share what they export; it has its own ways with texts as well. */
const VIEWER = `viewer${sep}`;
const code = new Map(files.filter((file) => /\.tsx?$/.test(file)).map((file) => [file, readFileSync(file, "utf8")]));
const faults = [...unusedTexts(), ...unusedExports()];
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);

// === texts ===

/** Of each name of texts (`addTexts`), the keys that no literal and no pattern of the code names. */
function unusedTexts() {
  const literals = new Set();
  const patterns = new Map();
  for (const [file, text] of code) {
    if (/\.test\.tsx?$/.test(file)) continue;
    const bare = withoutComments(text);
    for (const [, one] of bare.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)) literals.add(one.replace(/^\w+:/, ""));
    // Which texts a file speaks of; one that does not say may speak of any.
    const spaces = [...bare.matchAll(/useTranslation\(\s*"(\w+)"|\bns: "(\w+)"|addTexts\("(\w+)"/g)].map((found) => found[1] ?? found[2] ?? found[3]);
    for (const { template, before } of templatesIn(bare)) {
      const key = template.replace(/^\w+:/, "");
      literals.add(key);
      // One without a letter of its own fits everything: it is a key only where it is plainly one.
      if (!key.includes("\0") || (!/[a-z]/i.test(key) && !/(\bt\(|\bkey = )$/.test(before))) continue;
      const pattern = new RegExp(`^${key.split("\0").map(escaped).join(".+")}$`);
      for (const space of spaces.length > 0 ? spaces : ["*"]) patterns.set(space, [...(patterns.get(space) ?? []), pattern]);
    }
  }
  const found = [];
  for (const [space, file] of textsByName()) {
    if (relative(source, file).startsWith(VIEWER)) continue;
    const fitting = [...(patterns.get(space) ?? []), ...(patterns.get("*") ?? [])];
    for (const key of keys(JSON.parse(readFileSync(file, "utf8"))))
      if (!literals.has(key) && !fitting.some((pattern) => pattern.test(key))) found.push(`${relative(source, file)}: nobody uses ${key}`);
  }
  return found;
}

/** Names of texts and their English file. */
function textsByName() {
  const named = new Map([["app", ["app", join(source, "i18n", "en.json")]]]);
  for (const [file, text] of code)
    for (const [, name, english = "en"] of text.matchAll(/addTexts\("(\w+)", \{ "zh-CN": \w+, en(?:: (\w+))? \}/g)) {
      const path = new RegExp(`import ${english} from "(\\.[^"]+)"`).exec(text)?.[1];
      if (path !== undefined) named.set(`${name} ${resolve(dirname(file), path)}`, [name, resolve(dirname(file), path)]);
    }
  return [...named.values()];
}

/** What stands between backticks, with each value that is filled in as a zero byte, and what comes before; templates in values are found as well. */
function templatesIn(text) {
  const found = [];
  for (let at = text.indexOf("`"); at !== -1; at = text.indexOf("`", at + 1)) {
    let [made, depth, end] = ["", 0, at + 1];
    for (; end < text.length; end += 1) {
      if (depth === 0 && text[end] === "`") break;
      if (depth === 0 && text.startsWith("${", end)) {
        made += "\0";
        depth = 1;
        end += 1;
      } else if (depth > 0) depth += text[end] === "{" ? 1 : text[end] === "}" ? -1 : 0;
      else made += text[end];
    }
    found.push({ template: made, before: text.slice(Math.max(0, at - 12), at) });
  }
  return found;
}

function keys(texts, before = "") {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "string" ? [before + key.replace(/_(one|other)$/, "")] : keys(value, `${before}${key}.`),
  );
}

// === exports ===

/** Names that a file exports and no other imports. Those of the served description are made. */
function unusedExports() {
  const imported = new Map();
  const take = (from, path, names) => {
    const target = fileOf(resolve(dirname(from), path));
    if (target !== null) imported.set(target, new Set([...(imported.get(target) ?? []), ...names]));
  };
  for (const [file, text] of code) {
    for (const [, clause, path] of text.matchAll(/(?:import|export)\s+(?:type\s+)?([^;"']*?)\s+from\s+"(\.[^"]+)"/g)) {
      const inner = /\{([^}]*)\}/.exec(clause)?.[1] ?? "";
      const names = inner.split(",").map((one) => one.trim().replace(/^type\s+/, "").split(/\s+as\s+/)[0]).filter((one) => one !== "");
      if (/^\w/.test(clause)) names.push("default");
      if (clause.includes("*")) names.push("*");
      take(file, path, names);
    }
    for (const [, path] of text.matchAll(/import\("(\.[^"]+)"\)/g)) take(file, path, ["*"]);
  }
  const found = [];
  for (const [file, text] of code) {
    if (/\.test\.tsx?$/.test(file) || file.endsWith(join("api", "schema.ts")) || relative(source, file).startsWith(VIEWER)) continue;
    const used = imported.get(file) ?? new Set();
    if (used.has("*")) continue;
    const names = [...withoutComments(text).matchAll(/^export (?:async )?(?:const|function|class|interface|type|enum) (\w+)/gm)].map((one) => one[1]);
    for (const name of names) if (!used.has(name)) found.push(`${relative(source, file)}: nobody imports ${name}`);
  }
  return found;
}

// === helpers ===

function fileOf(path) {
  return [path, `${path}.ts`, `${path}.tsx`, join(path, "index.ts")].find((one) => existsSync(one) && statSync(one).isFile()) ?? null;
}

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
