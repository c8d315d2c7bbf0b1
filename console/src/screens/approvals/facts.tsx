// What there is to know of a case before one decides.
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { usePreferences } from "../../app/preferences";
import { When } from "../../components/basics";
import { Countdown } from "../../components/Countdown";
import { Subject } from "../../components/Subject";
import type { Case } from "./cases";

export function useFacts(of: Case): [string, ReactNode][] {
  const { t } = useTranslation("approvals");
  const { t: common } = useTranslation("app");
  const { language } = usePreferences();
  const duty: [string, ReactNode] = [t("fact.duty"), t(`duty.${of.kind}`, { asker: of.asker })];
  switch (of.kind) {
    case "break-glass": {
      const facts: [string, ReactNode][] = [
        [t("fact.subject"), <Subject key="subject" of={of.row} />],
        [t("fact.code"), t(`codes.${of.row.code}`)],
        [t("fact.words"), of.row.reason ?? "—"],
        [
          t("fact.window"),
          of.row.open ? (
            <Countdown key="window" from_ms={of.row.valid_from_ms} until_ms={of.row.valid_until_ms} />
          ) : (
            <>
              <When ms={of.row.valid_from_ms} exact /> – <When ms={of.row.ended_ms ?? of.row.valid_until_ms} exact />
            </>
          ),
        ],
        [t("fact.due"), <When key="due" ms={of.row.review_due_ms} exact />],
      ];
      if (of.row.review !== null) facts.push([t("fact.review"), of.row.review]);
      return [...facts, duty];
    }
    case "policy":
      return [
        [t("fact.for"), of.row.reason ?? "—"],
        ...(of.row.copy_of === null ? [] : [[t("fact.copyOf"), `v${of.row.copy_of}`] as [string, ReactNode]]),
        [t("fact.digest"), <Digest key="digest" of={of.row.digest} />],
        duty,
      ];
    case "suspension":
      return [[t("fact.words"), of.row.reason ?? "—"], duty];
    case "destruction":
      return [
        [t("fact.scope"), `${t("amount", { studies: of.row.studies, instances: of.row.instances })} · ${bytes(of.row.bytes, language)}`],
        [t("fact.why"), t(`reasons.${of.row.reason}`)],
        [t("fact.method"), t("method")],
        ...(of.row.waits_for.length === 0 ? [] : [[t("fact.waitsFor"), of.row.waits_for.join(" ")] as [string, ReactNode]]),
        duty,
      ];
    case "release":
      return [
        [t("fact.subject"), <Subject key="subject" of={{ patient: of.row.patient ?? null, study: of.row.study ?? null }} />],
        [t("fact.heldFor"), t(`reasons.${of.row.reason}`)],
        [t("fact.releaseFor"), of.row.release_reason ? t(`reasons.${of.row.release_reason}`) : "—"],
        duty,
      ];
    case "maintenance":
      return [
        [t("fact.vendor"), of.row.name],
        [t("fact.opens"), of.row.scopes.map((scope) => t(`scopes.${scope}`)).join(" · ")],
        [t("fact.words"), of.row.reason ?? "—"],
        [
          t("fact.window"),
          <span key="window">
            <When ms={of.row.valid_from_ms} exact /> – <When ms={of.row.valid_until_ms} exact />
          </span>,
        ],
        duty,
      ];
    case "reason":
      return [
        [t("fact.person"), `${of.row.name} · ${common(`roles.${of.row.role}`)}`],
        [t("fact.subject"), <Subject key="subject" of={{ patient: of.row.patient, study: null }} />],
        [t("fact.code"), t(`codes.${of.row.code}`)],
        [t("fact.words"), of.row.words ?? "—"],
        [t("fact.window"), <Countdown key="window" from_ms={of.row.given_ms} until_ms={of.row.valid_until_ms} />],
        ...(of.row.review_words === null ? [] : [[t("fact.review"), of.row.review_words] as [string, ReactNode]]),
        duty,
      ];
  }
}

// === helpers ===

function Digest({ of }: { of: string }) {
  return <span className="font-mono text-xs break-all">{of}</span>;
}

function bytes(count: number, language: string): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  const at = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
  const format = new Intl.NumberFormat(language, { style: "unit", unit: units[at], unitDisplay: "short", maximumFractionDigits: 1 });
  return format.format(count / 1000 ** at);
}
