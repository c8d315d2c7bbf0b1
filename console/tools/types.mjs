// Makes src/api/schema.ts of the description that a server gives at /api/openapi.json.
//   node tools/types.mjs openapi.json [--check]
// Of the description it takes what the console asks for, /api/v1, and of answers the successes: refusals have one form (src/api/problem.ts).
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const [, , file, mode] = process.argv;
if (file === undefined) {
  console.error("usage: node tools/types.mjs openapi.json [--check]");
  process.exit(2);
}
const target = new URL("../src/api/schema.ts", import.meta.url);
const described = JSON.parse(readFileSync(file, "utf8"));
const head = "// Made by tools/types.mjs of the served description; not edited by hand.\n";
const made = head + astToString(await openapiTS(reduced(described), { alphabetize: true }));
if (mode === "--check") {
  if (readFileSync(target, "utf8") !== made) {
    console.error("src/api/schema.ts is not that of this description: run node tools/types.mjs openapi.json");
    process.exit(1);
  }
} else {
  writeFileSync(target, made);
}

function reduced(whole) {
  const paths = {};
  for (const [path, methods] of Object.entries(whole.paths)) {
    if (!path.startsWith("/api/v1/")) continue;
    paths[path] = Object.fromEntries(
      Object.entries(methods).map(([method, operation]) => [method, typeof operation === "object" ? brief(operation) : operation]),
    );
  }
  return { openapi: whole.openapi, info: { title: "Yingdun", version: "1" }, paths, components: { schemas: whole.components?.schemas ?? {} } };
}

function brief(operation) {
  if (operation.responses === undefined) return operation;
  const answers = Object.entries(operation.responses).filter(([status]) => status.startsWith("2"));
  const { parameters, requestBody } = operation;
  const responses = Object.fromEntries(
    answers.map(([status, { content }]) => [status, { description: "", ...(content ? { content } : {}) }]),
  );
  return bare({ ...(parameters ? { parameters } : {}), ...(requestBody ? { requestBody } : {}), responses });
}

/** Without the words, which stand in the description. */
function bare(value) {
  if (Array.isArray(value)) return value.map(bare);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(["title", "summary", "pattern", "examples", "example", "format"].includes(key) && typeof inner === "string"))
      .map(([key, inner]) => [key, key === "description" && typeof inner === "string" ? "" : bare(inner)]),
  );
}
