// What patients have against whom, and patients whose studies are sealed; entering one and ending one.
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Empty, Facts, Panel, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import type { Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import { listed } from "../../lib/words";
import { fitting, KINDS, namedBy, untilOf, type Dissent } from "./dissents";
import en from "./en.json";
import { EnterDissent } from "./EnterDissent";
import zh from "./zh-CN.json";

addTexts("dissents", { "zh-CN": zh, en });

export default function Dissents() {
  const { t } = useTranslation("dissents");
  const [filters, change] = useFilters(["text", "against"]);
  const [chosen, choose] = useChosen("dissent");
  const [entering, setEntering] = useState(false);
  const dissents = useQuery({
    queryKey: ["dissents"],
    queryFn: async () => (await body(api.GET("/api/v1/dissents"))) as unknown as Dissent[],
  });
  const rows = useMemo(() => fitting(dissents.data ?? [], filters), [dissents.data, filters]);
  const dissent = dissents.data?.find((one) => one.dissent === chosen);
  const columns = useColumns();
  return (
    <ListScreen
      name="dissents"
      label={t("search")}
      filters={filters}
      change={change}
      search={{ label: t("search"), placeholder: t("placeholder") }}
      patients
      choices={[{ name: "against", label: t("against"), any: t("anyKind"), options: KINDS.map((kind) => [kind, t(`kinds.${kind}`)]) }]}
      actions={
        <Button look="primary" className="h-10" onClick={() => setEntering(true)}>
          <Plus size={16} aria-hidden />
          {t("enter")}
        </Button>
      }
      found={dissents}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.dissent}
      chosen="dissent"
      side={dissent && <DissentPanel key={dissent.dissent} dissent={dissent} />}
      unchosen={t("select")}
      empty={<Empty title={t(dissents.data?.length === 0 ? "none" : "empty")}>{t(dissents.data?.length === 0 ? "noneHelp" : "emptyHelp")}</Empty>}
      cli="yingdun dissent list"
      path="/api/v1/dissents"
    >
      {entering && <EnterDissent onClose={() => setEntering(false)} onEntered={choose} />}
    </ListScreen>
  );
}

// === helpers ===

function DissentPanel({ dissent }: { dissent: Dissent }) {
  const { t, i18n } = useTranslation("dissents");
  const [ends, setEnds] = useState(false);
  const until = untilOf(dissent);
  const names = namedBy(dissent);
  return (
    <Panel title={t(`kinds.${dissent.against}`)} actions={<Badge tone="warn">{t("inForce")}</Badge>}>
      <div className="space-y-4 p-4">
        <p className="text-soft">{t(`help.${dissent.against}`)}</p>
        <Facts
          of={[
            [
              t("patient"),
              <span key="patient" className="break-all" title={t("pseudonym")}>
                {dissent.patient}
              </span>,
            ],
            ...(names.length === 0 ? [] : [[t(dissent.against === "sealed" ? "stillSee" : "whom"), listed(names, i18n.language)] as [string, string]]),
            [t("breakGlass"), t(dissent.break_glass ? "passes" : "doesNotPass")],
            [t("from"), <When key="from" ms={dissent.valid_from_ms} exact />],
            [t("until"), until === null ? t("untilEnded") : <When key="until" ms={until} exact />],
            [t("givenBy"), dissent.given_by],
          ]}
        />
        <Button look="danger" onClick={() => setEnds(true)}>
          {t("end.button")}
        </Button>
      </div>
      {ends && (
        <ActionDialog
          action={{
            title: t("end.title", { kind: t(`kinds.${dissent.against}`) }),
            button: t("end.submit"),
            danger: true,
            consequences: [t("end.now"), t("end.again")],
            changes: ["dissents"],
            perform: () => api.POST("/api/v1/dissents/{dissent}/end", { params: { path: { dissent: dissent.dissent } } }),
            aside: <CopyAs cli={`yingdun dissent end ${dissent.dissent}`} />,
          }}
          onClose={() => setEnds(false)}
        />
      )}
    </Panel>
  );
}

function useColumns(): Column<Dissent>[] {
  const { t, i18n } = useTranslation("dissents");
  return useMemo(
    () => [
      { key: "against", title: t("against"), width: "minmax(8rem, 1fr)", narrow: "minmax(6rem, 1fr)", cell: (row) => <span className="font-medium">{t(`kinds.${row.against}`)}</span>, text: (row) => row.against },
      { key: "whom", title: t("whom"), width: "minmax(9rem, 1fr)", narrow: "minmax(6rem, 1fr)", cell: (row) => listed(namedBy(row), i18n.language), text: (row) => namedBy(row).join(" ") },
      { key: "patient", title: t("patient"), width: "minmax(9rem, 1fr)", narrow: false, cell: (row) => <span title={row.patient}>{row.patient}</span>, text: (row) => row.patient },
      { key: "break_glass", title: t("breakGlass"), width: "8rem", narrow: false, cell: (row) => t(row.break_glass ? "passes" : "doesNotPass"), text: (row) => String(row.break_glass) },
      {
        key: "until",
        title: t("until"),
        width: "11rem",
        narrow: "7.2rem",
        cell: (row) => {
          const until = untilOf(row);
          return until === null ? t("untilEnded") : <When ms={until} exact />;
        },
        text: (row) => {
          const until = untilOf(row);
          return until === null ? "" : new Date(until).toISOString();
        },
      },
      { key: "given_by", title: t("givenBy"), width: "9rem", narrow: false, cell: (row) => row.given_by, text: (row) => row.given_by, spare: true },
    ],
    [t, i18n.language],
  );
}
