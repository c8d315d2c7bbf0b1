import { expect, test } from "vitest";
import rust from "../../../../../crates/yingdun/src/evidence/report.rs?raw";
import { hex, sha256, utf8 } from "../../../lib/bytes";
import { readKey } from "../../../lib/note";
import vectors from "../../../lib/tlog.vectors.json";
import { crc32, zip } from "../../../lib/zip";
import { check, type Answer } from "./answer";
import { filesOf, isPlain } from "./files";
import { readLeaf, report } from "./report";

const [first] = vectors.proofs;
const leaves = [{ index: 0, leaf: first!.leaf, proof: first!.proof }];
const answer: Answer = {
  about: { institution: "renmin", study: null, patient: null, actor: "a<b", from_ms: null, until_ms: 5 },
  found: { leaves: 1, is_exact: false },
  next: "before-0-in-15b6b2c931e5f529",
  public_key: vectors.key,
  checkpoint: first!.proof.slice(first!.proof.indexOf("\n\n") + 2),
  leaves,
  witnessed: null,
  policy_set: { sha256: "00", files: { "本院.cedar": "permit" } },
};

test("the report begins as the program begins it, and names hold no tags", () => {
  const page = report({ ...answer, made_at_ms: 0, policy_set: "00", key: vectors.key, leaves: leaves.map(({ index, leaf }) => ({ index, spelling: leaf })) });
  const head = rust.slice(rust.indexOf('r#"') + 3, rust.indexOf('"#;'));
  expect(page.startsWith(head)).toBe(true);
  expect(rust).toContain("<tr><th>编号<br>Number<th>时刻<br>When<th>谁<br>Who<th>角色<br>Role<th>做了什么");
  expect(page).toContain("<td>a&lt;b</tr>");
  expect(page).toContain("<td>≥ 1</tr>");
  expect(page).toContain('class="cut"');
});

test("each file is in the manifest, in the order of names", async () => {
  const files = await filesOf(answer, 7, "0.1.0");
  const names = [...files.keys()];
  expect(names).toEqual([
    "MANIFEST", "README.md", "bundle.json", "checkpoint", "leaves/000000000000.json", "log.vkey", "policy/本院.cedar",
    "proofs/000000000000.tlog-proof", "report.html", "verify_audit.py", "verify_bundle.py",
  ]);
  const manifest = new TextDecoder().decode(files.get("MANIFEST"));
  expect(manifest.split("\n").length).toBe(names.length);
  expect(manifest).toContain(`${hex(await sha256(utf8(first!.leaf)))}  leaves/000000000000.json\n`);
  expect(["a.cedar", "本院.cedar"].every(isPlain)).toBe(true);
  expect(["", ".a", "..", "a/b", "a\\b", "C:b", "a\nb"].some(isPlain)).toBe(false);
});

test("what is checked here is said", async () => {
  const key = await readKey(vectors.key);
  expect(await check(answer, key)).toEqual({ holds: 1, broken: 0, signed: true });
  expect(await check(answer, null)).toEqual({ holds: 1, broken: 0, signed: false });
  const forged = { ...answer, leaves: [{ ...leaves[0]!, leaf: leaves[0]!.leaf.replace('"version":1', '"version":2') }] };
  expect(await check(forged, key)).toEqual({ holds: 0, broken: 1, signed: false });
  expect((await check({ ...answer, checkpoint: "other" }, key)).broken).toBe(1);
});

test("a zip file has the checks that others compute", () => {
  expect(crc32(utf8("123456789"))).toBe(0xcbf43926);
  const packed = zip(new Map([["a", utf8("1")]]));
  expect(hex(packed.slice(0, 4))).toBe("504b0304");
  expect(packed.length).toBe(30 + 1 + 1 + 46 + 1 + 22);
});

test("numbers of a leaf keep their last digits where the platform tells them", () => {
  const leaf = readLeaf('{"counts":{"bytes":18446744073709551615}}');
  expect(["18446744073709551615", "18446744073709552000"]).toContain(String(leaf.counts?.["bytes"]));
});
