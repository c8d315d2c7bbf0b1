// What asks for this person: alerts, cases with a time, and what waits for a second person.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Badge, Panel, When, type Tone } from "../../components/basics";
import { Countdown } from "../../components/Countdown";
import type { Overview } from "./parts";

const SEVERITIES: Record<string, Tone> = { high: "bad", medium: "warn", low: "neutral" };

/** Rows of each kind; the screens behind the links have all of them. */
const SHOWN = 5;

export function Waiting({ of }: { of: Overview }) {
  const { t } = useTranslation("overview");
  const alerts = of.alerts?.first.slice(0, SHOWN) ?? [];
  const reviews = of.reviews?.first.slice(0, SHOWN) ?? [];
  const approvals = of.approvals?.slice(0, SHOWN) ?? [];
  const nothing = alerts.length + reviews.length + approvals.length === 0;
  return (
    <Panel title={t("waiting")}>
      {nothing ? (
        <p className="px-4 py-6 text-center text-soft">{t("nothing")}</p>
      ) : (
        <ul className="divide-y">
          {alerts.map((alert) => (
            <Row key={`a${alert.alert}`} to={`/alerts?alert=${alert.alert}`} badge={<Badge tone={SEVERITIES[alert.severity] ?? "neutral"}>{t(`severity.${alert.severity}`)}</Badge>}>
              <b>{alert.name}</b> {t(`alerts:kinds.${alert.kind}`, { defaultValue: alert.kind })} <When ms={alert.at_ms} />
            </Row>
          ))}
          {reviews.map((review) => (
            <Row
              key={`r${review.case}`}
              to="/approvals"
              badge={review.due_ms === null ? null : <Countdown from_ms={review.given_ms} until_ms={review.due_ms} due />}
            >
              <b>{review.name}</b> {t("brokenGlass")} <When ms={review.given_ms} />
            </Row>
          ))}
          {approvals.map((approval) => (
            <Row key={`${approval.kind}${approval.id}`} to="/approvals" badge={approval.own ? <Badge>{t("own")}</Badge> : <Badge tone="accent">{t("forMe")}</Badge>}>
              {t(`approvalOf.${approval.kind}`, { by: approval.by })} <When ms={approval.since_ms} />
            </Row>
          ))}
        </ul>
      )}
    </Panel>
  );
}

// === helpers ===

function Row({ to, badge, children }: { to: string; badge: ReactNode; children: ReactNode }) {
  return (
    <li>
      <Link to={to} className="flex items-center justify-between gap-3 px-4 py-2.5 hover:bg-raised">
        <span className="min-w-0">{children}</span>
        {badge}
      </Link>
    </li>
  );
}
