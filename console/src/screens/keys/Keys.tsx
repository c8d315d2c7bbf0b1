// Key-encryption keys: how old each version is, how often it was used, when the next one is due; and the work that follows on a rotation.
import { KeyRound, Lock, RefreshCw, ShieldCheck, UsersRound } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Badge, Button, Empty, Loading, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { DataTable, type Column } from "../../components/DataTable";
import { KeyFigures } from "../../components/KeyFigures";
import { Meter } from "../../components/Meter";
import { addTexts } from "../../i18n";
import { count } from "../../lib/amounts";
import { useChosen } from "../../lib/chosen";
import en from "./en.json";
import { RotateDialog, SealDialog } from "./KeyDialogs";
import { ageDays, nextDue, standOf, TONES, type Keys as All, type KeyVersion } from "./keys";
import { useKeys } from "./queries";
import { RewrapPanel } from "./RewrapPanel";
import { NodesPanel } from "./NodesPanel";
import zh from "./zh-CN.json";

addTexts("keys", { "zh-CN": zh, en });

export default function Keys() {
  const { t } = useTranslation("keys");
  const keys = useKeys();
  const [asked, setAsked] = useState<"rotate" | "seal" | null>(null);
  if (keys.isError) return <Refused error={keys.error} retry={() => void keys.refetch()} />;
  if (keys.isPending) return <Loading />;
  const all = keys.data;
  const due = nextDue(all.keks);
  const active = all.keks.filter((version) => version.state === "active");
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <KeyFigures
        label={t("figures")}
        of={[
          { name: t("patientKeys"), value: count(all.patients), hint: t("patientKeysHint"), icon: <UsersRound size={15} aria-hidden /> },
          { name: t("studyKeys"), value: count(all.studies), hint: t("studyKeysHint"), icon: <KeyRound size={15} aria-hidden /> },
          {
            name: t("nextRotation"),
            value: due?.due_ms == null ? "–" : <When ms={due.due_ms} />,
            hint: t("every", { count: all.rotate_after_days }),
            tone: active.some((version) => ["due", "overused"].includes(standOf(version, all, Date.now()))) ? "bad" : "neutral",
            icon: <RefreshCw size={15} aria-hidden />,
          },
          {
            name: t("keysLeft"),
            value: count(all.keys_left),
            hint: t(all.keys_left === 0 ? "keysLeftNone" : "keysLeftHint"),
            tone: all.keys_left === 0 ? "good" : "warn",
            icon: <ShieldCheck size={15} aria-hidden />,
          },
        ]}
      />
      <div className="flex shrink-0 flex-wrap items-center gap-2">
        <Button look="primary" disabled={active.length === 0} onClick={() => setAsked("rotate")}>
          <RefreshCw size={15} aria-hidden />
          {t("rotate.button")}
        </Button>
        <Button look="danger" onClick={() => setAsked("seal")}>
          <Lock size={15} aria-hidden />
          {t("seal.button")}
        </Button>
        <span className="ml-auto flex flex-wrap">
          <CopyAs cli="yingdun keys status" path="/api/v1/keys" />
        </span>
      </div>
      <RewrapPanel keys={all} />
      <Versions keys={all} />
      <NodesPanel keys={all} />
      {asked === "rotate" && <RotateDialog keys={all} onClose={() => setAsked(null)} />}
      {asked === "seal" && <SealDialog onClose={() => setAsked(null)} />}
    </div>
  );
}

// === helpers ===

function Versions({ keys }: { keys: All }) {
  const { t } = useTranslation("keys");
  const [chosen, choose] = useChosen("version");
  const order = useChosen("sort");
  return (
    <div className="flex min-h-72 flex-1 flex-col">
      <DataTable
        name="keys"
        label={t("versions")}
        columns={useColumns(keys)}
        rows={keys.keks}
        rowKey={(row) => `${row.grade}-${row.suite}-${row.version}`}
        selected={chosen}
        onSelect={(row) => choose(`${row.grade}-${row.suite}-${row.version}`)}
        order={order}
        status={<span className="font-medium text-ink">{t("versions")}</span>}
        empty={<Empty title={t("empty")}>{t("emptyHelp")}</Empty>}
      />
    </div>
  );
}

function useColumns(keys: All): Column<KeyVersion>[] {
  const { t, i18n } = useTranslation("keys");
  return useMemo(() => {
    const now = Date.now();
    return [
      {
        key: "grade",
        title: t("grade"),
        width: "minmax(10rem, 1.2fr)",
        narrow: "minmax(5rem, 1fr)",
        cell: (row) => (
          <span title={row.grade}>
            <span className="font-medium">{row.grade}</span> <span className="text-soft">{t(`grades.${row.grade}`)}</span>
          </span>
        ),
        text: (row) => row.grade,
      },
      { key: "version", title: t("version"), width: "5rem", narrow: "3.5rem", cell: (row) => row.version, text: (row) => String(row.version) },
      {
        key: "state",
        title: t("state"),
        width: "8rem",
        narrow: "5.5rem",
        cell: (row) => <Badge tone={TONES[standOf(row, keys, now)]}>{t(`stands.${standOf(row, keys, now)}`)}</Badge>,
        text: (row) => t(`stands.${standOf(row, keys, now)}`),
      },
      { key: "age", title: t("age"), width: "7rem", narrow: false, cell: (row) => t("days", { count: ageDays(row, now) }), text: (row) => String(ageDays(row, now)) },
      {
        key: "due",
        title: t("due"),
        width: "8rem",
        narrow: "6rem",
        cell: (row) => (row.due_ms === null ? "" : <When ms={row.due_ms} />),
        text: (row) => (row.due_ms === null ? "" : new Date(row.due_ms).toISOString()),
      },
      {
        key: "uses",
        title: t("uses"),
        width: "minmax(11rem, 1fr)",
        narrow: false,
        cell: (row) => (
          <span className="flex items-center gap-2" title={t("usesOf", { uses: count(row.uses), alarm: count(keys.uses_alarm) })}>
            <span className="w-16 shrink-0 text-right">{count(row.uses)}</span>
            <Meter part={row.uses / keys.uses_alarm} label={t("usesOf", { uses: count(row.uses), alarm: count(keys.uses_alarm) })} />
          </span>
        ),
        text: (row) => String(row.uses),
      },
      { key: "keys", title: t("keysUnder"), width: "8rem", narrow: false, cell: (row) => count(row.keys), text: (row) => String(row.keys) },
      { key: "suite", title: t("suite"), width: "10rem", narrow: false, cell: (row) => row.suite, text: (row) => row.suite, spare: true },
      {
        key: "created",
        title: t("created"),
        width: "11rem",
        narrow: false,
        cell: (row) => <When ms={row.created_ms} exact />,
        text: (row) => new Date(row.created_ms).toISOString(),
      },
    ];
  }, [t, i18n.language, keys]);
}
