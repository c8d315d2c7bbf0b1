// Every text is there in both languages, and no Chinese stands in a component.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("../src", import.meta.url));
const faults = [];

for (const file of filesBelow(source)) {
  const name = relative(source, file);
  if (file.endsWith("zh-CN.json")) compare(name, file, file.replace(/zh-CN\.json$/, "en.json"));
  // The name of the product, and what each language calls itself, are said in their own script everywhere.
  if (/\.tsx$/.test(file)) {
    const code = readFileSync(file, "utf8").replace(/影盾|中文/g, "").replace(/\/\/.*$/gm, "");
    if (/[\u3400-\u9fff]/.test(code)) faults.push(`${name}: a text in the component; it belongs into the JSON files beside it`);
  }
}
for (const fault of faults) console.error(fault);
process.exit(faults.length === 0 ? 0 : 1);

function compare(name, chinese, english) {
  const [zh, en] = [chinese, english].map((file) => keys(JSON.parse(readFileSync(file, "utf8"))));
  for (const key of zh) if (!en.has(key)) faults.push(`${name}: ${key} is missing in English`);
  for (const key of en) if (!zh.has(key)) faults.push(`${name}: ${key} is missing in Chinese`);
}

/** Every key, with the forms of a plural as one: Chinese has one form, English two. */
function keys(texts, before = "") {
  const found = new Set();
  for (const [key, value] of Object.entries(texts)) {
    if (typeof value === "string") {
      if (value.trim() === "") faults.push(`${before}${key} is empty`);
      found.add(before + key.replace(/_(one|other)$/, ""));
    } else for (const inner of keys(value, `${before}${key}.`)) found.add(inner);
  }
  return found;
}

function filesBelow(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}
