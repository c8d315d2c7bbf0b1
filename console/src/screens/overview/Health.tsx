// What lasts only while somebody looks after it: each replica with its room, each key with the days that it has left.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Badge, Panel, type Tone } from "../../components/basics";
import { Meter } from "../../components/Meter";
import { addTexts } from "../../i18n";
import { bytes, count } from "../../lib/amounts";
import keysEn from "../keys/en.json";
import keysZh from "../keys/zh-CN.json";
import storageEn from "../storage/en.json";
import { TONES } from "../storage/storage";
import storageZh from "../storage/zh-CN.json";
import { daysBetween, partOfLife, type Overview } from "./parts";

addTexts("keys", { "zh-CN": keysZh, en: keysEn });
addTexts("storage", { "zh-CN": storageZh, en: storageEn });

/** A key is changed within its last days; before that nothing is to be done. */
const SOON_DAYS = 14;

export function Replicas({ of }: { of: NonNullable<Overview["storage"]> }) {
  const { t } = useTranslation("overview");
  return (
    <Panel title={t("replicaHealth")} actions={<Way to="/storage">{t("toStorage")}</Way>}>
      <ul className="divide-y">
        {of.replicas.map((replica) => {
          const all = of.bytes + replica.free_bytes;
          return (
            <li key={replica.label} className="space-y-1.5 px-4 py-2.5">
              <span className="flex items-center justify-between gap-3">
                <b>{t("storage:replica", { label: replica.label })}</b>
                <Badge tone={TONES[replica.state] ?? "neutral"}>{t(`storage:states.${replica.state}`, { defaultValue: replica.state })}</Badge>
              </span>
              <Meter part={all === 0 ? 0 : of.bytes / all} label={t("storage:full", { label: replica.label })} tone={replica.free_bytes < of.bytes / 10 ? "warn" : "accent"} />
              <span className="flex justify-between gap-3 text-xs text-soft">
                <span>{t("storage:free", { amount: bytes(replica.free_bytes) })}</span>
                <span>{replica.awaiting_repair + replica.quarantined === 0 ? t("nothingToRepair") : t("toRepair", { count: replica.awaiting_repair, quarantined: replica.quarantined })}</span>
              </span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

export function Keys({ of, now }: { of: NonNullable<Overview["keys"]>; now: number }) {
  const { t } = useTranslation("overview");
  return (
    <Panel title={t("keyHealth")} actions={<Way to="/keys">{t("toKeys")}</Way>}>
      <ul className="divide-y">
        {of.keks.map((kek) => {
          const days = daysBetween(now, kek.due_ms);
          const tone: Tone = kek.is_due ? "bad" : days <= SOON_DAYS ? "warn" : "good";
          return (
            <li key={`${kek.grade}${kek.version}`} className="space-y-1.5 px-4 py-2.5">
              <span className="flex items-center justify-between gap-3">
                <span>
                  <b>{kek.grade}</b> {t(`keys:grades.${kek.grade}`)} <span className="text-soft">{t("version", { version: kek.version })}</span>
                </span>
                <Badge tone={tone}>{kek.is_due ? t("isDue") : t("dueIn", { count: days })}</Badge>
              </span>
              <Meter part={partOfLife(kek, now)} label={t("lived", { grade: kek.grade })} tone={tone === "good" ? "accent" : tone} />
              <span className="block text-xs text-soft">{t("uses", { uses: count(kek.uses) })}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

// === helpers ===

function Way({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Link to={to} className="text-accent hover:underline">
      {children}
    </Link>
  );
}
