// What is at hand for an office: what waits, what was refused, and how the archive stands. Each part is there only for whom the server gives it.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { useInterval } from "../../api/queries";
import { Loading, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { addTexts } from "../../i18n";
import alertsEn from "../alerts/en.json";
import alertsZh from "../alerts/zh-CN.json";
import { DayCurve } from "./DayCurve";
import en from "./en.json";
import { Figures } from "./Figures";
import { Keys, Replicas } from "./Health";
import { HeatMap } from "./HeatMap";
import { LifeLine } from "./LifeLine";
import type { Overview as Told } from "./parts";
import { OVERVIEW } from "./query";
import { Waiting } from "./Waiting";
import zh from "./zh-CN.json";

addTexts("overview", { "zh-CN": zh, en });
addTexts("alerts", { "zh-CN": alertsZh, en: alertsEn });

/** How often the numbers are asked for anew while somebody looks at them. */
const REFRESH_MS = 60_000;

export default function Overview() {
  const { t } = useTranslation("overview");
  const every = useInterval(REFRESH_MS);
  const told = useQuery({ ...OVERVIEW, refetchInterval: every });
  if (told.isError) return <Refused error={told.error} retry={() => void told.refetch()} />;
  if (!told.data) return <Loading />;
  const of = told.data;
  return (
    <div className="flex flex-col gap-3">
      <Figures of={of} />
      {of.missing.length > 0 && (
        <p role="status" className="rounded-lg bg-warn-wash px-4 py-2 text-warn">
          {t("missing", { parts: of.missing.map((part) => t(`parts.${part}`, { defaultValue: part })).join("、") })}
        </p>
      )}
      <div className={`grid gap-3 ${of.accesses ? "xl:grid-cols-3" : "xl:grid-cols-2"}`}>
        {of.accesses && (
          <div className="flex min-w-0 flex-col gap-3 xl:col-span-2">
            <Panel title={t("today")} actions={<Log of={of.accesses} />}>
              <DayCurve of={of.accesses.today} />
            </Panel>
            <Panel title={t("week")}>
              <HeatMap days={of.accesses.week} />
            </Panel>
          </div>
        )}
        {!of.accesses && <Waiting of={of} />}
        {/* What waits comes first where there is one column. */}
        <div className={`grid min-w-0 content-start gap-3 ${of.accesses ? "order-first xl:order-none" : ""}`}>
          {of.accesses && <Waiting of={of} />}
          <LifeLine of={of} />
          {of.storage && <Replicas of={of.storage} />}
          {of.keys && of.keys.keks.length > 0 && <Keys of={of.keys} now={of.at_ms} />}
        </div>
      </div>
      <p className="flex flex-wrap items-center gap-x-3 text-xs text-soft">
        <span>
          {t("asOf")} <When ms={of.at_ms} exact />
        </span>
        <CopyAs path="/api/v1/overview" />
      </p>
    </div>
  );
}

// === helpers ===

/** Of which log the numbers are, where there are several. */
function Log({ of }: { of: NonNullable<Told["accesses"]> }) {
  const { t } = useTranslation("overview");
  return (
    <p className="text-xs text-soft">
      {of.logs > 1 ? t("ofLogs", { log: of.log, count: of.logs }) : of.log}
      {of.whole ? "" : ` · ${t("notWhole")}`}
    </p>
  );
}
