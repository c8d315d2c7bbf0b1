// What the monitor noticed: each alert with how it stands, and beside it why, and what may be done.
import { useQuery } from "@tanstack/react-query";
import { BellRing } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { useInterval } from "../../api/queries";
import { Badge, Empty, When } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { Toggle, useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { subjectText } from "../../components/Subject";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import { moment } from "../../lib/time";
import { stateOf, TONES, type Alert } from "./alert";
import { AlertView } from "./AlertView";
import en from "./en.json";
import zh from "./zh-CN.json";

addTexts("alerts", { "zh-CN": zh, en });

const FILTERS = ["show", "kind", "text"] as const;
const REFRESH_MS = 30_000;

export default function Alerts() {
  const { t } = useTranslation("alerts");
  const [filters, change] = useFilters(FILTERS);
  const [chosen] = useChosen("alert");
  const found = useQuery({ queryKey: ["alerts"], queryFn: async () => (await body(api.GET("/api/v1/alerts"))) as unknown as Alert[], refetchInterval: useInterval(REFRESH_MS) });
  const columns = useColumns();
  const all = useMemo(() => found.data ?? [], [found.data]);
  const kinds = [...new Set(all.map((row) => row.kind))].sort();
  const rows = all.filter(
    (row) =>
      (filters["show"] !== "new" || row.acknowledged_ms === null) &&
      (filters["kind"] === undefined || row.kind === filters["kind"]) &&
      row.name.toLowerCase().includes((filters["text"] ?? "").toLowerCase()),
  );
  const alert = all.find((row) => String(row.alert) === chosen);
  return (
    <ListScreen
      name="alerts"
      label={t("list")}
      filters={filters}
      change={change}
      search={{ label: t("search"), placeholder: t("search") }}
      toggles={
        <Toggle on={filters["show"] === "new"} onChange={(on) => change({ show: on ? "new" : "" })}>
          {t("onlyNew", { count: all.filter((row) => row.acknowledged_ms === null).length })}
        </Toggle>
      }
      also={["show"]}
      choices={[{ name: "kind", label: t("kind"), any: t("anyKind"), options: kinds.map((kind) => [kind, t(`kinds.${kind}`)]) }]}
      found={found}
      rows={rows}
      columns={columns}
      rowKey={(row) => String(row.alert)}
      chosen="alert"
      side={alert && <AlertView key={alert.alert} alert={alert} all={all} />}
      unchosen={t("select")}
      unchosenIcon={<BellRing size={28} aria-hidden />}
      empty={<Empty title={t("empty")}>{t("emptyHelp")}</Empty>}
      cli={`yingdun monitor alerts${filters["show"] === "new" ? " --new" : ""}`}
      path={`/api/v1/alerts${filters["show"] === "new" ? "?new=true" : ""}`}
    />
  );
}

// === helpers ===

function useColumns(): Column<Alert>[] {
  const { t, i18n } = useTranslation("alerts");
  const { t: common } = useTranslation("app");
  return useMemo(() => {
    const state = (row: Alert) => stateOf(row, Date.now());
    const role = (row: Alert) => (row.role === null ? row.actor_kind : common(`roles.${row.role}`, { defaultValue: row.role }));
    const count = (row: Alert) => (row.measure === null ? "" : t("counted", { counted: row.counted, most: row.at_most, measure: t(`measures.${row.measure}`) }));
    return [
      {
        key: "state",
        title: t("state"),
        width: "6.5rem",
        narrow: "5rem",
        cell: (row) => <Badge tone={TONES[state(row)]}>{t(`states.${state(row)}`)}</Badge>,
        text: (row) => t(`states.${state(row)}`),
      },
      {
        key: "kind",
        title: t("kind"),
        width: "minmax(10rem, 1.2fr)",
        narrow: "minmax(6rem, 1fr)",
        cell: (row) => <span className="font-medium">{t(`kinds.${row.kind}`)}</span>,
        text: (row) => t(`kinds.${row.kind}`),
      },
      {
        key: "person",
        title: t("person"),
        width: "minmax(9rem, 1.2fr)",
        narrow: "5.6rem",
        cell: (row) => (
          <span title={role(row)}>
            {row.name} <span className="hidden text-soft sm:inline">{role(row)}</span>
          </span>
        ),
        text: (row) => row.name,
      },
      { key: "time", title: t("time"), width: "9rem", narrow: "5.6rem", cell: (row) => <When ms={row.at_ms} />, text: (row) => moment(row.at_ms) },
      { key: "count", title: t("measure"), width: "minmax(8rem, 1fr)", cell: count, text: count, narrow: false },
      { key: "role", title: t("role"), width: "8rem", cell: role, text: role, spare: true, narrow: false },
      { key: "patient", title: t("patient"), width: "8rem", cell: subjectText, text: subjectText, spare: true, narrow: false },
      { key: "by", title: t("acknowledgedBy"), width: "8rem", cell: (row) => row.acknowledged_by ?? "", text: (row) => row.acknowledged_by ?? "", spare: true, narrow: false },
    ];
    // The language decides what `t` says.
  }, [t, common, i18n.language]);
}
