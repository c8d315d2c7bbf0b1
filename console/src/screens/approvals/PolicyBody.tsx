// Rules that are proposed: their text, what they would newly forbid and allow, and what the last thirty days would have been with them.
import { useQuery } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { usePreferences } from "../../app/preferences";
import { Button, Empty, Loading, Refused, When } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import type { Comparison, PolicyVersion, Replay } from "./rows";

export function PolicyBody({ row }: { row: PolicyVersion }) {
  const { t } = useTranslation("approvals");
  const path = { policy: row.version };
  const found = useQuery({
    queryKey: ["policies", row.version],
    queryFn: async () => (await body(api.GET("/api/v1/policies/{policy}", { params: { path } }))) as unknown as PolicyVersion,
  });
  const open = row.state === "proposed" || row.state === "approved";
  return (
    <div className="space-y-5">
      <section aria-label={t("text")} className="space-y-2">
        <h3 className="font-semibold">{t("text")}</h3>
        {found.isPending && <Loading />}
        {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
        {found.data && (
          <pre tabIndex={0} className="max-h-72 overflow-auto rounded-md border bg-raised p-3 font-mono text-xs whitespace-pre-wrap">
            {found.data.text === "" || found.data.text == null ? t("noRules") : found.data.text}
          </pre>
        )}
      </section>
      {open && <Compared version={row.version} />}
      {open && <Replayed version={row.version} />}
    </div>
  );
}

// === helpers ===

function Compared({ version }: { version: number }) {
  const { t } = useTranslation("approvals");
  const found = useQuery({
    queryKey: ["policies", version, "comparison"],
    queryFn: async () =>
      (await body(api.GET("/api/v1/policies/{policy}/comparison", { params: { path: { policy: version } } }))) as unknown as Comparison,
    // The reading is a leaf, and what is compared does not change while the version waits.
    staleTime: Infinity,
  });
  const columns = useChangeColumns<Comparison["changes"][number]>([
    ["newly_allowed", (row) => row.newly_allowed],
    ["newly_forbidden", (row) => row.newly_forbidden],
    ["of_these_in_emergency", (row) => row.of_these_in_emergency],
  ]);
  const sum = (of: (row: Comparison["changes"][number]) => number) => (found.data?.changes ?? []).reduce((all, row) => all + of(row), 0);
  return (
    <section aria-label={t("comparison.title")} className="space-y-2">
      <h3 className="font-semibold">{t("comparison.title")}</h3>
      {found.isPending && <Loading />}
      {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
      {found.data && (
        <>
          <dl className="grid grid-cols-3 gap-2">
            <Figure name={t("comparison.newly_allowed")} value={sum((row) => row.newly_allowed)} alarming />
            <Figure name={t("comparison.newly_forbidden")} value={sum((row) => row.newly_forbidden)} />
            <Figure name={t("comparison.of_these_in_emergency")} value={sum((row) => row.of_these_in_emergency)} alarming />
          </dl>
          <p className="text-xs text-soft">{t("comparison.asked", { asked: found.data.asked, questions: found.data.questions })}</p>
          {found.data.changes.length > 0 && (
            <div className="flex h-64 flex-col">
              <DataTable
                name="policy-comparison"
                label={t("comparison.title")}
                columns={columns}
                rows={found.data.changes}
                rowKey={(row) => `${row.role} ${row.action}`}
                empty={<Empty title={t("comparison.none")} />}
              />
            </div>
          )}
        </>
      )}
    </section>
  );
}

function Replayed({ version }: { version: number }) {
  const { t } = useTranslation("approvals");
  const [wanted, setWanted] = useState(false);
  const found = useQuery({ queryKey: ["policies", version, "replay"], queryFn: () => replay(version), enabled: wanted, staleTime: Infinity });
  const columns = useChangeColumns<Replay["changes"][number]>([
    ["refused", (row) => row.refused],
    ["perhaps_refused", (row) => row.perhaps_refused],
    ["perhaps_allowed", (row) => row.perhaps_allowed],
  ]);
  return (
    <section aria-label={t("replay.title")} className="space-y-2">
      <h3 className="font-semibold">{t("replay.title")}</h3>
      <Button busy={found.isFetching} onClick={() => (wanted ? void found.refetch() : setWanted(true))}>
        <History size={15} aria-hidden />
        {t("replay.begin")}
      </Button>
      {found.isError && <Refused error={found.error} />}
      {found.data && (
        <>
          <p>
            {t("replay.found", { decisions: found.data.decisions, leaves: found.data.leaves })} <When ms={found.data.from_ms} exact />
          </p>
          {found.data.logs > 1 && <p className="text-warn">{t("replay.logs", { logs: found.data.logs, log: found.data.log })}</p>}
          {found.data.changes.length > 0 && (
            <div className="flex h-56 flex-col">
              <DataTable
                name="policy-replay"
                label={t("replay.title")}
                columns={columns}
                rows={found.data.changes}
                rowKey={(row) => `${row.role} ${row.action}`}
                empty={<Empty title={t("replay.none")} />}
              />
            </div>
          )}
          {found.data.changes.length === 0 && <p className="text-good">{t("replay.none")}</p>}
        </>
      )}
    </section>
  );
}

/** The whole of thirty days, part by part, as far as the log reaches. */
async function replay(version: number): Promise<Replay> {
  let whole: Replay | null = null;
  let cursor: string | null = null;
  do {
    const query: { cursor?: string } = cursor === null ? {} : { cursor };
    const answer = api.GET("/api/v1/policies/{policy}/replay", { params: { path: { policy: version }, query } });
    const part = (await body(answer)) as unknown as Replay;
    whole = whole === null ? part : joined(whole, part);
    cursor = part.next;
  } while (cursor !== null);
  return whole;
}

function joined(one: Replay, other: Replay): Replay {
  const changes = one.changes.map((row) => ({ ...row }));
  for (const row of other.changes) {
    const same = changes.find((known) => known.role === row.role && known.action === row.action);
    if (!same) changes.push(row);
    else {
      same.refused += row.refused;
      same.perhaps_refused += row.perhaps_refused;
      same.perhaps_allowed += row.perhaps_allowed;
    }
  }
  const sums = { leaves: one.leaves + other.leaves, decisions: one.decisions + other.decisions, unknown: one.unknown + other.unknown };
  return { ...other, ...sums, changes };
}

function useChangeColumns<Row extends { role: string; action: string }>(numbers: [string, (row: Row) => number][]): Column<Row>[] {
  const { t } = useTranslation("approvals");
  const { t: common } = useTranslation("app");
  const { language } = usePreferences();
  const role = (row: Row) => common(`roles.${row.role}`, { defaultValue: row.role });
  const action = (row: Row) => t(`actions.${row.action}`, { defaultValue: row.action });
  return [
    { key: "role", title: t("comparison.role"), width: "minmax(7rem, 1fr)", cell: role, text: role },
    { key: "action", title: t("comparison.action"), width: "minmax(7rem, 1fr)", cell: action, text: action },
    ...numbers.map(([key, value]) => ({
      key,
      title: t(`comparison.${key}`),
      width: "7rem",
      cell: (row: Row) => <span className="tabular-nums">{value(row).toLocaleString(language)}</span>,
      text: (row: Row) => String(value(row)),
    })),
  ];
}

function Figure({ name, value, alarming = false }: { name: string; value: number; alarming?: boolean }) {
  const { language } = usePreferences();
  return (
    <div className={`rounded-md border px-3 py-2 ${alarming && value > 0 ? "bg-warn-wash text-warn" : "bg-raised"}`}>
      <dt className="text-xs">{name}</dt>
      <dd className="text-lg font-semibold tabular-nums">{value.toLocaleString(language)}</dd>
    </div>
  );
}
