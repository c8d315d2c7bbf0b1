// One record as an evidence bundle, which the programs that verify bundles take.
import { FileArchive } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../../api/queries";
import { Button, Refused } from "../../../components/basics";
import { cursorBefore } from "../../../lib/note";
import type { Row } from "../search";
import { ask } from "./ask";
import { pack } from "./pack";

export function OneLeafBundle({ row }: { row: Row }) {
  const { t } = useTranslation("audit");
  const me = useMe().data;
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const make = async () => {
    setBusy(true);
    setError(null);
    try {
      const answer = await ask({ actor: row.leaf.actor, cursor: await cursorBefore(row.log, row.index + 1), limit: 1 });
      if (answer.leaves[0]?.index !== row.index) throw new Error("another leaf came");
      (await pack(answer, `record-${row.index}.zip`, me?.version ?? "")).keep();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="space-y-2">
      <Button look="primary" busy={busy} onClick={() => void make()}>
        <FileArchive size={15} aria-hidden /> {t("files.bundle")}
      </Button>
      <code className="block overflow-x-auto rounded-md bg-raised px-3 py-2 font-mono text-xs whitespace-nowrap" tabIndex={0}>
        yingdun audit verify-bundle record-{row.index}.zip --public-key audit.vkey
      </code>
      {error !== null && <Refused error={error} />}
    </div>
  );
}
