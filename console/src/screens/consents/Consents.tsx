// What patients agreed to: research on what is identifiable, and what leaves the house. Entering one and withdrawing one.
import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Empty, Facts, Panel, When, type Tone } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import type { Column } from "../../components/DataTable";
import { Toggle, useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import { useDepartments } from "../people/queries";
import { fitting, KINDS, stateOf, untilOf, type Consent, type State } from "./consents";
import en from "./en.json";
import { EnterConsent } from "./EnterConsent";
import zh from "./zh-CN.json";

addTexts("consents", { "zh-CN": zh, en });

const TONES: Record<State, Tone> = { holds: "good", later: "accent", over: "neutral", withdrawn: "warn" };

export default function Consents() {
  const { t } = useTranslation("consents");
  const [filters, change] = useFilters(["text", "to", "over"]);
  const [chosen, choose] = useChosen("consent");
  const [entering, setEntering] = useState(false);
  const over = filters["over"] === "true";
  const consents = useQuery({
    queryKey: ["consents", over],
    queryFn: async () => (await body(api.GET("/api/v1/consents", { params: { query: over ? { over } : {} } }))) as unknown as Consent[],
  });
  const rows = useMemo(() => fitting(consents.data ?? [], filters), [consents.data, filters]);
  const consent = consents.data?.find((one) => one.consent === chosen);
  const columns = useColumns();
  return (
    <ListScreen
      name="consents"
      label={t("search")}
      filters={filters}
      change={change}
      search={{ label: t("search"), placeholder: t("placeholder") }}
      patients
      toggles={
        <Toggle on={over} onChange={(on) => change({ over: on ? "true" : "" })}>
          {t("past")}
        </Toggle>
      }
      also={["over"]}
      choices={[{ name: "to", label: t("to"), any: t("anyKind"), options: KINDS.map((kind) => [kind, t(`kinds.${kind}`)]) }]}
      actions={
        <Button look="primary" className="h-10" onClick={() => setEntering(true)}>
          <Plus size={16} aria-hidden />
          {t("enter")}
        </Button>
      }
      found={consents}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.consent}
      chosen="consent"
      side={consent && <ConsentPanel key={consent.consent} consent={consent} />}
      unchosen={t("select")}
      empty={<Empty title={t(consents.data?.length === 0 ? "none" : "empty")}>{t(consents.data?.length === 0 ? "noneHelp" : "emptyHelp")}</Empty>}
      cli={`yingdun consent list${over ? " --over" : ""}`}
      path={`/api/v1/consents${over ? "?over=true" : ""}`}
    >
      {entering && <EnterConsent onClose={() => setEntering(false)} onEntered={choose} />}
    </ListScreen>
  );
}

// === helpers ===

function ConsentPanel({ consent }: { consent: Consent }) {
  const { t } = useTranslation("consents");
  const [withdraws, setWithdraws] = useState(false);
  const until = untilOf(consent);
  const state = stateOf(consent, Date.now());
  const project = useProjects();
  return (
    <Panel title={t(`kinds.${consent.to}`)} actions={<Badge tone={TONES[state]}>{t(`states.${state}`)}</Badge>}>
      <div className="space-y-4 p-4">
        <p className="text-soft">{t(`help.${consent.to}`)}</p>
        <Facts
          of={[
            [
              t("patient"),
              <span key="patient" className="break-all" title={t("pseudonym")}>
                {consent.patient}
              </span>,
            ],
            ...(consent.to === "research" ? [[t("project"), project(consent)] as [string, string]] : []),
            [t("giver"), `${t(`givers.${consent.giver}`)} · ${t(`forms.${consent.form}`)}`],
            [t("reference"), consent.reference ?? t("noReference")],
            [t("from"), <When key="from" ms={consent.valid_from_ms} exact />],
            [t("until"), until === null ? t("untilWithdrawn") : <When key="until" ms={until} exact />],
            [t("enteredBy"), consent.entered_by],
            ...(consent.withdrawn_ms === null
              ? []
              : ([
                  [t("withdrawnAt"), <When key="withdrawn" ms={consent.withdrawn_ms} exact />],
                  [t("withdrawnBy"), consent.withdrawn_by ?? ""],
                ] as [string, React.ReactNode][])),
          ]}
        />
        {(state === "holds" || state === "later") && (
          <Button look="danger" onClick={() => setWithdraws(true)}>
            {t("withdraw.button")}
          </Button>
        )}
      </div>
      {withdraws && (
        <ActionDialog
          action={{
            title: t("withdraw.title", { kind: t(`kinds.${consent.to}`) }),
            button: t("withdraw.submit"),
            danger: true,
            consequences: [t(`withdraw.${consent.to}`), t("withdraw.forward"), t("withdraw.noReason")],
            changes: ["consents"],
            perform: () => api.POST("/api/v1/consents/{consent}/withdraw", { params: { path: { consent: consent.consent } } }),
            aside: <CopyAs cli={`yingdun consent withdraw ${consent.consent}`} />,
          }}
          onClose={() => setWithdraws(false)}
        />
      )}
    </Panel>
  );
}

/** What a project is called, where one is named. */
function useProjects(): (consent: Consent) => string {
  const { t } = useTranslation("consents");
  const departments = useDepartments().data?.departments;
  return useMemo(() => {
    const called = new Map(departments?.map((one) => [one.department, one.name]));
    return ({ to, project }) => (project === null ? (to === "research" ? t("everyProject") : "") : (called.get(project) ?? project));
  }, [departments, t]);
}

function useColumns(): Column<Consent>[] {
  const { t, i18n } = useTranslation("consents");
  const project = useProjects();
  return useMemo(() => {
    const state = (row: Consent) => stateOf(row, Date.now());
    return [
      { key: "state", title: t("state"), width: "6.5rem", narrow: "5rem", cell: (row) => <Badge tone={TONES[state(row)]}>{t(`states.${state(row)}`)}</Badge>, text: (row) => t(`states.${state(row)}`) },
      { key: "to", title: t("to"), width: "minmax(7rem, 1fr)", narrow: "minmax(5rem, 1fr)", cell: (row) => <span className="font-medium">{t(`kinds.${row.to}`)}</span>, text: (row) => row.to },
      { key: "project", title: t("project"), width: "minmax(9rem, 1.2fr)", narrow: "minmax(6rem, 1fr)", cell: (row) => <span title={row.project ?? undefined}>{project(row)}</span>, text: (row) => row.project ?? "" },
      { key: "patient", title: t("patient"), width: "minmax(9rem, 1fr)", narrow: false, cell: (row) => <span title={row.patient}>{row.patient}</span>, text: (row) => row.patient },
      { key: "reference", title: t("reference"), width: "minmax(9rem, 1fr)", narrow: false, cell: (row) => row.reference ?? t("noReference"), text: (row) => row.reference ?? "" },
      { key: "giver", title: t("giver"), width: "7rem", narrow: false, cell: (row) => t(`givers.${row.giver}`), text: (row) => row.giver, spare: true },
      { key: "entered_by", title: t("enteredBy"), width: "9rem", narrow: false, cell: (row) => row.entered_by, text: (row) => row.entered_by, spare: true },
    ] satisfies Column<Consent>[];
    // The language decides what `t` says.
  }, [t, project, i18n.language]);
}
