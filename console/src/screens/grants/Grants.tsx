// Rights for a while: given, received, taken in an emergency; until when, why, and what was done with them.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { FileClock, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useInterval, useMe } from "../../api/queries";
import { BROKEN_GLASS, brokenGlass, CONSULTATIONS, consultations, GRANTS, grants } from "../../api/rows";
import { Button, Empty } from "../../components/basics";
import { Toggle, useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { useChosen } from "../../lib/chosen";
import { useColumns } from "./columns";
import { entriesOf, sideOf, stateOf, type Kind, type Side } from "./entry";
import { EntryView } from "./EntryView";
import { Give } from "./Give";
import "./texts";

const FILTERS = ["show", "kind", "side"] as const;
const KINDS: readonly Kind[] = ["grant", "break-glass", "consultation"];
const SIDES: readonly Side[] = ["given", "received", "others"];
const REFRESH_MS = 60_000;

export default function Grants() {
  const { t } = useTranslation("grants");
  const me = useMe().data;
  const queries = useQueryClient();
  const every = useInterval(REFRESH_MS);
  const [filters, change] = useFilters(FILTERS);
  const [chosen, choose] = useChosen("right");
  const [giving, setGiving] = useState<"grant" | "consultation" | null>(null);
  const given = useQuery({ queryKey: GRANTS, queryFn: grants, refetchInterval: every });
  const glass = useQuery({ queryKey: BROKEN_GLASS, queryFn: brokenGlass, refetchInterval: every });
  const asked = useQuery({ queryKey: CONSULTATIONS, queryFn: consultations, refetchInterval: every });
  const entries = useMemo(() => entriesOf(given.data ?? [], glass.data ?? [], asked.data ?? []), [given.data, glass.data, asked.data]);
  const columns = useColumns();
  const name = me?.name ?? "";
  const rows = entries.filter(
    (entry) =>
      (filters["show"] === "all" || ["open", "coming"].includes(stateOf(entry, Date.now()))) &&
      (filters["kind"] === undefined || entry.kind === filters["kind"]) &&
      (filters["side"] === undefined || sideOf(entry, name) === filters["side"]),
  );
  const failed = [given, glass, asked].find((one) => one.isError);
  const entry = entries.find((one) => one.key === chosen);
  const changed = () => void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "me" });
  const may = (action: string) => me?.actions.includes(action) === true;

  return (
    <ListScreen
      name="grants"
      label={t("list")}
      filters={filters}
      change={change}
      toggles={
        <Toggle on={filters["show"] !== "all"} onChange={(on) => change({ show: on ? "" : "all" })}>
          {t("openOnly")}
        </Toggle>
      }
      also={["show"]}
      choices={[
        { name: "kind", label: t("kind"), any: t("anyKind"), options: KINDS.map((kind) => [kind, t(`kinds.${kind}`)]) },
        { name: "side", label: t("side"), any: t("anySide"), options: SIDES.map((side) => [side, t(`sides.${side}`)]) },
      ]}
      actions={
        <>
          <span className="hidden flex-1 sm:block" />
          {may("assign-consultation") && (
            <Button className="h-10" onClick={() => setGiving("consultation")}>
              <Plus size={16} aria-hidden />
              {t("give.consultation")}
            </Button>
          )}
          {may("give-grant") && (
            <Button look="primary" className="h-10" onClick={() => setGiving("grant")}>
              <Plus size={16} aria-hidden />
              {t("give.grant")}
            </Button>
          )}
        </>
      }
      found={{
        isPending: given.isPending || glass.isPending || asked.isPending,
        isError: failed !== undefined,
        error: failed?.error,
        refetch: () => failed?.refetch(),
      }}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.key}
      chosen="right"
      side={entry && <EntryView key={entry.key} entry={entry} onChanged={changed} />}
      unchosen={t("select")}
      unchosenIcon={<FileClock size={28} aria-hidden />}
      empty={<Empty title={t("empty")}>{t(may("give-grant") ? "emptyHelp" : "emptyNone")}</Empty>}
      cli="yingdun grant list"
      path="/api/v1/grants"
    >
      {giving && (
        <Give
          kind={giving}
          onClose={(key) => {
            setGiving(null);
            if (key === null) return;
            changed();
            choose(key);
          }}
        />
      )}
    </ListScreen>
  );
}
