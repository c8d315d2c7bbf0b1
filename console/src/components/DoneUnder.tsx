// What was done by a right that was given for a while: every leaf of the audit log that names it. To read them is on the record too, so they
// are asked for when somebody wants them.
import { useQuery } from "@tanstack/react-query";
import { ScrollText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { useMe } from "../api/queries";
import { shortened } from "../lib/known";
import { AuditLink } from "./AuditLink";
import { Badge, Button, Loading, Refused, When } from "./basics";

/** A right, by its number, whose it is, and since when. */
interface Right {
  grant: number;
  actor: string;
  from_ms: number;
  until_ms: number;
}

/** Rows that are looked through at most. */
const LIMIT = 1000;
/** Rows that are shown. */
const SHOWN = 50;

interface Leaf {
  time_ms: number;
  action?: string;
  outcome: string;
  study?: string;
  reason?: string;
  counts?: Record<string, number>;
}

export function DoneUnder({ right }: { right: Right }) {
  const { t } = useTranslation("app");
  const me = useMe().data;
  const [wanted, setWanted] = useState(false);
  const found = useQuery({ queryKey: ["done-under", right.grant], queryFn: () => leavesUnder(right), enabled: wanted });
  if (me?.actions.includes("read-audit") !== true) return null;
  const rows = found.data?.leaves ?? [];
  return (
    <section aria-label={t("doneUnder.title")} className="space-y-2">
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => (wanted ? void found.refetch() : setWanted(true))} busy={found.isFetching}>
          <ScrollText size={15} aria-hidden />
          {t("doneUnder.show")}
        </Button>
        <AuditLink filter={{ actor: right.actor, from_ms: right.from_ms, until_ms: right.until_ms }}>{t("doneUnder.open")}</AuditLink>
      </div>
      {found.isError && <Refused error={found.error} />}
      {wanted && found.isPending && <Loading />}
      {found.isSuccess && <p className="text-soft">{t("doneUnder.count", { count: rows.length })}</p>}
      {rows.length > 0 && (
        <ol className="divide-y rounded-md border">
          {rows.slice(0, SHOWN).map((leaf, index) => (
            <li key={index} className="flex flex-wrap items-center gap-x-3 gap-y-0.5 px-3 py-1.5">
              <When ms={leaf.time_ms} exact />
              <Badge tone={leaf.outcome === "refused" || leaf.outcome === "failed" ? "bad" : "accent"}>
                {t(`doneUnder.actions.${leaf.action}`, { defaultValue: leaf.action ?? "" })}
              </Badge>
              {leaf.study !== undefined && (
                <span className="font-mono text-xs text-soft" title={leaf.study}>
                  {shortened(leaf.study)}
                </span>
              )}
            </li>
          ))}
        </ol>
      )}
      {found.data?.isCut === true && <p className="text-warn">{t("doneUnder.cut", { count: LIMIT })}</p>}
      {rows.length > SHOWN && <p className="text-soft">{t("doneUnder.first", { count: SHOWN })}</p>}
    </section>
  );
}

// === helpers ===

async function leavesUnder(right: Right): Promise<{ leaves: Leaf[]; isCut: boolean }> {
  const query = { actor: right.actor, kind: "access" as const, from_ms: right.from_ms, until_ms: right.until_ms, limit: LIMIT };
  const rows = (await body(api.GET("/api/v1/audit/search", { params: { query } }))) as unknown as { leaf: Leaf }[];
  const leaves = rows.map((row) => row.leaf).filter((leaf) => leaf.counts?.["grant"] === right.grant);
  return { leaves, isCut: rows.length >= LIMIT };
}
