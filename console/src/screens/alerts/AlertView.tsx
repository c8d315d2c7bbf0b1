// One alert: what happened, why it is told, who looked at it, and what may be done.
import { Eye, ShieldAlert, ShieldCheck, Snowflake } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { AuditLink } from "../../components/AuditLink";
import { Badge, Button, Facts, Panel, When } from "../../components/basics";
import { ActionDialog } from "../../components/ActionDialog";
import { CopyAs } from "../../components/CopyAs";
import { Countdown } from "../../components/Countdown";
import { Steps, type Step } from "../../components/Steps";
import { Subject } from "../../components/Subject";
import { freezeOf, isLasting, isLiftable, isStopping, stateOf, TONES, type Alert } from "./alert";
import { Freeze } from "./Freeze";

/** Around an alert in the audit log, in milliseconds: what led to it, and what came right behind. */
const AROUND_MS = 3_600_000;
/** The kind of the row of a freeze: what was done, and nothing to judge. */
const FROZEN = "account-frozen";

export function AlertView({ alert, all }: { alert: Alert; all: readonly Alert[] }) {
  const { t } = useTranslation("alerts");
  const { t: common } = useTranslation("app");
  const me = useMe().data;
  const [asked, setAsked] = useState<Verdict | "lift" | "freeze" | null>(null);
  const now = Date.now();
  const state = stateOf(alert, now);
  const own = me?.name === alert.name;
  const mayJudge = me?.actions.includes("review-alerts") === true && !own && alert.verdict === null && alert.kind !== FROZEN;
  const frozen = freezeOf(alert, all, now);
  const mayFreeze = me?.actions.includes("review-alerts") === true && !own && alert.actor_kind === "person" && frozen === undefined;
  const mayLift = me?.actions.includes("lift-stop") === true && !own && isLiftable(alert, now);
  const facts: [string, ReactNode][] = [
    [t("person"), `${alert.name}${alert.role === null ? "" : ` · ${common(`roles.${alert.role}`, { defaultValue: alert.role })}`}`],
    [t("time"), <When key="time" ms={alert.at_ms} exact />],
  ];
  if (alert.measure !== null)
    facts.push([t("measure"), t("countedWithin", { ...alert, most: alert.at_most, measure: t(`measures.${alert.measure}`), minutes: alert.within_minutes })]);
  facts.push([t("step"), t(`steps.${alert.step}`, { defaultValue: alert.step })]);
  if (alert.patient !== null || alert.study !== null) facts.push([t("about"), <Subject key="about" of={{ patient: alert.patient, study: null }} />]);
  if (isStopping(alert, now))
    facts.push([
      t("until"),
      isLasting(alert) || alert.stops_until_ms === null ? (
        t("untilLifted")
      ) : (
        <Countdown key="until" from_ms={alert.at_ms} until_ms={alert.stops_until_ms} />
      ),
    ]);
  return (
    <Panel title={t(`kinds.${alert.kind}`)} actions={<Badge tone={TONES[state]}>{t(`states.${state}`)}</Badge>}>
      <div className="space-y-4 p-4">
        <p>{t(`why.${alert.kind}`)}</p>
        <Steps of={useStepsOf(alert)} label={t("stepsOf")} />
        <Facts of={facts} />
        {alert.explained && "reasons" in alert.explained && <Explained of={alert.explained} />}
        <div className="flex flex-wrap gap-2">
          <AuditLink filter={{ actor: alert.name, from_ms: alert.at_ms - AROUND_MS, until_ms: alert.at_ms + AROUND_MS }}>{t("audit")}</AuditLink>
          {alert.explained && "alert" in alert.explained && <Other to={alert.explained.alert}>{t("frozenOver")}</Other>}
          {frozen !== undefined && frozen.alert !== alert.alert && <Other to={frozen.alert}>{t("toFreeze")}</Other>}
          {alert.kind === "monitor-break-glass" && me?.actions.includes("review-break-glass") === true && (
            <Link to="/approvals?kind=break-glass" className="inline-flex h-8 items-center rounded-md border bg-surface px-3 font-medium hover:bg-raised">
              {t("toReview")}
            </Link>
          )}
          {alert.kind === "maintenance-opened" && me?.actions.includes("approve-maintenance") === true && (
            <Link to="/approvals?kind=maintenance" className="inline-flex h-8 items-center rounded-md border bg-surface px-3 font-medium hover:bg-raised">
              {t("toApprove")}
            </Link>
          )}
        </div>
        {own && <p className="rounded-md bg-warn-wash px-3 py-2 text-warn">{t("own")}</p>}
        {(mayJudge || mayLift || mayFreeze) && (
          <div role="group" aria-label={t("found")} className="flex flex-wrap gap-2 border-t pt-4">
            {mayJudge && (
              <>
                <Button look="primary" onClick={() => setAsked("true-positive")}>
                  <ShieldAlert size={15} aria-hidden /> {t("verdicts.true-positive")}
                </Button>
                <Button onClick={() => setAsked("false-positive")}>
                  <ShieldCheck size={15} aria-hidden /> {t("verdicts.false-positive")}
                </Button>
                {alert.acknowledged_ms === null && (
                  <Button onClick={() => setAsked("none")}>
                    <Eye size={15} aria-hidden /> {t("verdicts.none")}
                  </Button>
                )}
              </>
            )}
            {mayFreeze && (
              <Button look="danger" onClick={() => setAsked("freeze")}>
                <Snowflake size={15} aria-hidden /> {t("freeze.button")}
              </Button>
            )}
            {mayLift && (
              <Button look="danger" onClick={() => setAsked("lift")}>
                {t("lift")}
              </Button>
            )}
          </div>
        )}
        {asked !== null && asked !== "lift" && asked !== "freeze" && <Judge alert={alert} verdict={asked} onClose={() => setAsked(null)} />}
        {asked === "freeze" && <Freeze alert={alert} onClose={() => setAsked(null)} />}
        {asked === "lift" && <Lift alert={alert} onClose={() => setAsked(null)} />}
      </div>
    </Panel>
  );
}

// === helpers ===

function useStepsOf(alert: Alert): Step[] {
  const { t } = useTranslation("alerts");
  const { t: common } = useTranslation("app");
  const stepOf = (title: string, by: string | null, at_ms: number | null, office: string): Step =>
    at_ms === null
      ? { title, state: "now", whose: t("whose", { office: common(`roles.${office}`) }) }
      : { title, state: "done", by, at_ms };
  const steps: Step[] =
    alert.kind === FROZEN
      ? [{ title: t("frozen"), state: "done", by: alert.acknowledged_by, at_ms: alert.at_ms }]
      : [
          { title: t("noticed"), state: "done", by: t("monitor"), at_ms: alert.at_ms },
          stepOf(t("judged"), alert.acknowledged_by, alert.acknowledged_ms, "audit-administrator"),
        ];
  const isOver = alert.lifted_ms === null && !isLiftable(alert, Date.now());
  if (alert.stops !== null || alert.lifted_ms !== null)
    steps.push(
      isOver ? { title: t("overBy"), state: "done", at_ms: alert.stops_until_ms } : stepOf(t("lifted"), alert.lifted_by, alert.lifted_ms, "security-administrator"),
    );
  return steps;
}

/** The way to another alert of this list. */
function Other({ to, children }: { to: number; children: ReactNode }) {
  return (
    <Link to={`/alerts?alert=${to}`} className="inline-flex h-8 items-center rounded-md border bg-surface px-3 font-medium hover:bg-raised">
      {children}
    </Link>
  );
}

function Explained({ of }: { of: Extract<Alert["explained"], { reasons: unknown }> }) {
  const { t } = useTranslation("alerts");
  return (
    <section aria-label={t("explained")} className="space-y-1.5">
      <h3 className="font-semibold">{t("explained")}</h3>
      <ul className="divide-y rounded-md border">
        {of.reasons.map((reason) => (
          <li key={reason.signal} className="flex justify-between gap-3 px-3 py-1.5">
            <span>
              {t(`signals.${reason.signal}`, { defaultValue: reason.signal })} × {reason.count}
            </span>
            <span className="tabular-nums">{t("points", { count: reason.points })}</span>
          </li>
        ))}
      </ul>
      {of.leaves.length > 0 && (
        <p className="text-soft">
          {t("leaves")} <span className="font-mono text-xs">{of.leaves.join(" ")}</span>
        </p>
      )}
    </section>
  );
}

/** What somebody found; `none` is that they looked and do not know yet. */
type Verdict = "true-positive" | "false-positive" | "none";

function Judge({ alert, verdict, onClose }: { alert: Alert; verdict: Verdict; onClose: () => void }) {
  const { t } = useTranslation("alerts");
  const found = verdict === "none" ? undefined : verdict;
  const consequences = [t(`verdictHelp.${verdict}`)];
  if (found === "true-positive" && isStopping(alert, Date.now())) consequences.push(t("lasts"));
  if (found !== undefined) consequences.push(t("final"));
  return (
    <ActionDialog
      action={{
        title: t("judgeAs", { verdict: t(`verdicts.${verdict}`) }),
        button: t("acknowledge"),
        consequences,
        changes: ["alerts"],
        perform: () =>
          api.POST("/api/v1/alerts/{alert}/acknowledgement", { params: { path: { alert: alert.alert } }, body: found ? { verdict: found } : {} }),
        aside: <CopyAs cli={`yingdun monitor acknowledge ${alert.alert}${found ? ` --verdict ${found}` : ""}`} />,
      }}
      onClose={onClose}
    />
  );
}

function Lift({ alert, onClose }: { alert: Alert; onClose: () => void }) {
  const { t } = useTranslation("alerts");
  return (
    <ActionDialog
      action={{
        title: t("lift"),
        button: t("lift"),
        danger: true,
        consequences: [t("liftWhat", { name: alert.name }), t(alert.kind === FROZEN ? "liftFrozen" : "liftFirst")],
        changes: ["alerts"],
        perform: () => api.POST("/api/v1/alerts/{alert}/lift", { params: { path: { alert: alert.alert } } }),
        aside: <CopyAs cli={`yingdun monitor lift ${alert.alert}`} />,
      }}
      onClose={onClose}
    />
  );
}
