// The files of an evidence bundle: those that the program writes of the same answer, so that `yingdun audit verify-bundle` and the independent
// verifier take them (crates/yingdun/src/evidence).
import readme from "../../../../../crates/yingdun/src/evidence/README.md?raw";
import verifyAudit from "../../../../../docs/verify/verify_audit.py?raw";
import verifyBundle from "../../../../../docs/verify/verify_bundle.py?raw";
import { hex, sha256, utf8, type Bytes } from "../../../lib/bytes";
import type { Files } from "../../../lib/zip";
import type { Answer } from "./answer";
import { report } from "./report";

export async function filesOf(answer: Answer, madeAt_ms: number, program: string): Promise<Files> {
  const { about, found, next, leaves, policy_set: policy } = answer;
  const facts = {
    format: "yingdun/evidence-bundle@v1",
    program,
    made_at_ms: madeAt_ms,
    about,
    found,
    next,
    leaves: leaves.map(({ index }) => index),
    policy_set: policy.sha256,
  };
  const key = `${answer.public_key}\n`;
  const texts: [string, string][] = [
    ["README.md", readme],
    ["verify_audit.py", verifyAudit],
    ["verify_bundle.py", verifyBundle],
    ["bundle.json", `${JSON.stringify(facts, null, 2)}\n`],
    ["checkpoint", answer.checkpoint],
    ["log.vkey", key],
  ];
  for (const { index, leaf, proof } of leaves) {
    texts.push([`leaves/${number(index)}.json`, leaf], [`proofs/${number(index)}.tlog-proof`, proof]);
  }
  for (const [name, text] of Object.entries(policy.files)) {
    if (!isPlain(name)) throw new Error("a policy file has a name that is none");
    texts.push([`policy/${name}`, text]);
  }
  if (answer.witnessed) {
    texts.push(["witnessed", answer.witnessed.checkpoint], ["witnessed-consistency", `${answer.witnessed.consistency.join("\n")}\n`]);
  }
  const spelt = leaves.map(({ index, leaf }) => ({ index, spelling: leaf }));
  const told = { about, made_at_ms: madeAt_ms, found, next, policy_set: policy.sha256, checkpoint: answer.checkpoint, key, leaves: spelt };
  texts.push(["report.html", report(told)]);
  const files = new Map(inOrder(texts.map(([name, text]) => [name, utf8(text)])));
  files.set("MANIFEST", utf8(await manifestOf(files)));
  return new Map(inOrder([...files]));
}

/** A name of a file without a folder, which no program that unpacks it takes for something else. */
export function isPlain(name: string): boolean {
  return name !== "" && !name.startsWith(".") && utf8(name).length <= 255 && !/[\p{Cc}/\\:]/u.test(name);
}

// === helpers ===

function number(index: number): string {
  return String(index).padStart(12, "0");
}

async function manifestOf(files: Files): Promise<string> {
  const lines = [];
  for (const [name, content] of files) lines.push(`${hex(await sha256(content))}  ${name}\n`);
  return lines.join("");
}

/** In the order of the bytes of their names. */
function inOrder(files: [string, Bytes][]): [string, Bytes][] {
  const keyed = files.map((file): [string, [string, Bytes]] => [hex(utf8(file[0])), file]);
  return keyed.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0)).map(([, file]) => file);
}
