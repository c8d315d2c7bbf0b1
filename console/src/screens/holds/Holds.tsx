// Legal holds: what is held is not destroyed until one officer asked for its release and another approved it.
import { useQuery } from "@tanstack/react-query";
import { Scale } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { useMe } from "../../api/queries";
import { Badge, Button, Empty, When } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import en from "./en.json";
import { HoldPanel } from "./HoldPanel";
import { fitting, nameOf, STATES, TONES, type Hold } from "./holds";
import { PlaceHold } from "./PlaceHold";
import zh from "./zh-CN.json";

addTexts("holds", { "zh-CN": zh, en });

export default function Holds() {
  const { t } = useTranslation("holds");
  const manages = useMe().data?.actions.includes("manage-holds") ?? false;
  const [filters, change] = useFilters(["text", "state"]);
  const [chosen, choose] = useChosen("hold");
  const [placing, setPlacing] = useState(false);
  const holds = useQuery({ queryKey: ["holds"], queryFn: async () => (await body(api.GET("/api/v1/holds"))) as unknown as Hold[] });
  const rows = useMemo(() => fitting(holds.data ?? [], filters), [holds.data, filters]);
  const hold = holds.data?.find((one) => one.id === chosen);
  const columns = useColumns();
  return (
    <ListScreen
      name="holds"
      label={t("search")}
      filters={filters}
      change={change}
      search={{ label: t("search"), placeholder: t("placeholder") }}
      patients
      choices={[{ name: "state", label: t("state"), any: t("anyState"), options: STATES.map((state) => [state, t(`states.${state}`)]) }]}
      actions={
        manages && (
          <Button look="primary" className="h-10" onClick={() => setPlacing(true)}>
            <Scale size={16} aria-hidden />
            {t("place.button")}
          </Button>
        )
      }
      found={holds}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.id}
      chosen="hold"
      side={hold && <HoldPanel key={hold.id} hold={hold} />}
      unchosen={t("select")}
      empty={<Empty title={t(holds.data?.length === 0 ? "none" : "empty")}>{t(holds.data?.length === 0 ? "noneHelp" : "emptyHelp")}</Empty>}
      cli="yingdun hold list"
      path="/api/v1/holds"
    >
      {placing && <PlaceHold onClose={() => setPlacing(false)} onPlaced={choose} />}
    </ListScreen>
  );
}

// === helpers ===

function useColumns(): Column<Hold>[] {
  const { t, i18n } = useTranslation("holds");
  return useMemo(
    () => [
      { key: "state", title: t("state"), width: "9rem", narrow: "6.5rem", cell: (row) => <Badge tone={TONES[row.state]}>{t(`states.${row.state}`)}</Badge>, text: (row) => t(`states.${row.state}`) },
      { key: "subject", title: t("subject"), width: "7rem", narrow: "4.5rem", cell: (row) => t(`subjects.${row.subject}`), text: (row) => row.subject },
      { key: "name", title: t("held"), width: "minmax(12rem, 1.5fr)", narrow: "minmax(6rem, 1fr)", cell: (row) => <span title={nameOf(row)}>{nameOf(row)}</span>, text: nameOf },
      { key: "reason", title: t("reason"), width: "9rem", narrow: false, cell: (row) => t(`reasons.${row.reason}`), text: (row) => row.reason },
      { key: "placed_by", title: t("placedBy"), width: "9rem", narrow: false, cell: (row) => row.placed_by, text: (row) => row.placed_by },
      { key: "placed", title: t("placed"), width: "11rem", narrow: false, cell: (row) => <When ms={row.placed_ms} exact />, text: (row) => new Date(row.placed_ms).toISOString() },
    ],
    [t, i18n.language],
  );
}
