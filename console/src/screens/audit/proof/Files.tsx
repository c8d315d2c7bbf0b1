// The record, its proof and the checkpoint as files.
import { FileDown } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Button, Panel } from "../../../components/basics";
import { save } from "../../../lib/download";
import type { Proof } from "../../../lib/tlog";
import { OneLeafBundle } from "../bundle/OneLeafBundle";
import type { Row } from "../search";
import type { Trusted } from "../trust";

export function Files({ row, proof, proofText, trusted }: { row: Row; proof: Proof; proofText: string; trusted: Trusted | null }) {
  const { t } = useTranslation("audit");
  const name = String(row.index).padStart(12, "0");
  const files: [string, string, string][] = [
    [`${name}.json`, "application/json", row.spelling],
    [`${name}.tlog-proof`, "text/plain", proofText],
    ["checkpoint", "text/plain", proof.noteText],
    ...(trusted ? [["log.vkey", "text/plain", `${trusted.key.text}\n`] as [string, string, string]] : []),
  ];
  return (
    <Panel title={t("files.title")}>
      <div className="space-y-3 p-4">
        <div className="flex flex-wrap gap-2">
          {files.map(([file, type, content]) => (
            <Button key={file} onClick={() => save(file, type, content)}>
              <FileDown size={15} aria-hidden /> {file}
            </Button>
          ))}
        </div>
        <OneLeafBundle row={row} />
        <p className="text-soft">{t("files.help")}</p>
      </div>
    </Panel>
  );
}
