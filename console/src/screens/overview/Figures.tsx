// The first line: one figure for each thing that may need somebody, with a word for what it means and where it leads.
import { clsx } from "clsx";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { INKS, type Tone } from "../../components/basics";
import { useMe } from "../../api/queries";
import { count } from "../../lib/amounts";
import { day } from "../../lib/time";
import { commonName, daysBetween, type Overview } from "./parts";

interface Figure {
  name: string;
  value: ReactNode;
  hint: string;
  tone: Tone;
  to: string;
}

/** What approving is, whatever waits. */
const APPROVES = ["approve-policy", "activate-policy", "approve-destruction", "approve-release", "approve-maintenance"];

export function Figures({ of }: { of: Overview }) {
  const { t } = useTranslation("overview");
  const figures = useFigures(of);
  return (
    <ul aria-label={t("figures")} className="grid grid-cols-[repeat(auto-fit,minmax(10.5rem,1fr))] gap-3">
      {figures.map(({ name, value, hint, tone, to }) => (
        <li key={name}>
          <Link to={to} className="block h-full min-w-0 rounded-lg border bg-surface px-4 py-3 shadow-raised hover:border-accent">
            <span className="block text-soft">{name}</span>
            <span className={clsx("mt-1 block text-2xl leading-tight font-semibold break-words", INKS[tone])}>{value}</span>
            <span className="mt-0.5 block text-xs text-soft">{hint}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

// === helpers ===

function useFigures(of: Overview): Figure[] {
  const { t } = useTranslation("overview");
  const actions = useMe().data?.actions ?? [];
  // Who only proposes has nothing of others to approve, and is told of the own in the inbox.
  const approves = APPROVES.some((action) => actions.includes(action));
  const found: (Figure | false)[] = [
    of.alerts !== undefined && {
      name: t("alerts"),
      value: of.alerts.waiting,
      hint: t("alertsHint", { high: of.alerts.high }),
      tone: of.alerts.high > 0 ? "bad" : of.alerts.waiting > 0 ? "warn" : "good",
      to: "/alerts",
    },
    of.approvals !== undefined && approves && {
      name: t("approvals"),
      value: of.approvals.filter((one) => !one.own).length,
      hint: t("approvalsHint", { own: of.approvals.filter((one) => one.own).length }),
      tone: of.approvals.some((one) => !one.own) ? "warn" : "neutral",
      to: "/approvals",
    },
    of.reviews !== undefined && {
      name: t("reviews"),
      value: of.reviews.waiting,
      hint: t("reviewsHint", { overdue: of.reviews.overdue }),
      tone: of.reviews.overdue > 0 ? "bad" : of.reviews.waiting > 0 ? "warn" : "neutral",
      to: "/approvals",
    },
    of.audit !== undefined && chain(of.audit),
    of.storage !== undefined && {
      name: t("replicas"),
      value: `${of.storage.replicas.filter((one) => one.state === "ready").length} / ${of.storage.replicas.length}`,
      hint: of.storage.writable ? t("replicasHint", { quorum: of.storage.write_quorum }) : t("notWritable"),
      tone: !of.storage.writable ? "bad" : of.storage.replicas.every((one) => one.state === "ready" && one.awaiting_repair === 0) ? "good" : "warn",
      to: "/storage",
    },
    of.keys !== undefined && {
      name: t("keys"),
      value: of.keys.keks.filter((kek) => kek.is_due).length,
      hint: t("keysHint", { count: of.keys.keks.length, left: count(of.keys.keys_left) }),
      tone: of.keys.keks.some((kek) => kek.is_due) ? "warn" : "good",
      to: "/keys",
    },
    certificate(of),
    of.reasons !== undefined && {
      name: t("reasons"),
      value: of.reasons.waiting,
      hint: t("reasonsHint"),
      tone: of.reasons.waiting > 0 ? "warn" : "neutral",
      to: "/approvals",
    },
  ];
  return found.filter((figure): figure is Figure => figure !== false);

  function chain(audit: NonNullable<Overview["audit"]>): Figure {
    const [word, tone] = ((): [string, Tone] => {
      if (!audit.accepting) return ["stopped", "bad"];
      if (audit.complete === false) return ["incomplete", "bad"];
      return audit.complete === true ? ["complete", "good"] : ["growing", "accent"];
    })();
    return {
      name: t("chain"),
      value: t(`chainIs.${word}`),
      hint: t("chainHint", { leaves: count(audit.leaves), signed: count(audit.signed_leaves) }),
      tone,
      to: "/audit",
    };
  }

  function certificate(whole: Overview): Figure | false {
    const first = whole.certificates?.[0];
    if (first === undefined) return false;
    const days = daysBetween(whole.at_ms, first.not_after_ms);
    return {
      name: t("certificate"),
      value: t("days", { count: days }),
      hint: t("certificateHint", { subject: commonName(first.subject), until: day(first.not_after_ms) }),
      tone: days < 7 ? "bad" : days < 30 ? "warn" : "good",
      to: "/system",
    };
  }
}
