// What was found, in plain words: whose opening, how surely, what that means and what it does not.
import { ScrollText } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Badge, Facts, Panel, When } from "../../components/basics";
import { Subject } from "../../components/Subject";
import { outcomeOf, type Looked, type Opening, type Traced } from "./leaks";

export function TraceResult({ of }: { of: Traced }) {
  const { t } = useTranslation("leaks");
  const outcome = outcomeOf(of);
  const frame: [string, ReactNode][] =
    of.picture === null ? [] : [[t("frame"), <span key="frame" title={of.picture.instance_uid}>{t("frameOf", { frame: of.picture.frame, likeness: of.picture.likeness.toFixed(2) })}</span>]];
  return (
    <Told
      outcome={outcome}
      logsWhole={of.logs_whole}
      said={outcome === "attributed" ? null : t(`explain.${outcome}`, { number: of.told, frame: of.picture?.frame, openings: of.openings, frames: of.frames })}
      opening={of.attributed ? of.opening : null}
      facts={[
        ...(of.sureness === null ? [] : [[t("surely"), t("sureness", { value: of.sureness.toFixed(1) })] as [string, ReactNode]]),
        ...frame,
        ...(of.told === null ? [] : [[t("told"), <code key="told">{of.told}</code>] as [string, ReactNode]]),
      ]}
    />
  );
}

export function NumberResult({ of }: { of: Looked }) {
  const { t } = useTranslation("leaks");
  return (
    <Told
      outcome={of.attributed ? "attributed" : "told"}
      logsWhole={of.logs_whole}
      said={of.attributed ? null : t("explain.number", { number: of.number })}
      opening={of.attributed ? of.opening : null}
      facts={[[t("numberLabel"), <code key="number">{of.number}</code>]]}
      also={t("byNumber")}
    />
  );
}

// === helpers ===

function Told({ outcome, logsWhole, said, opening, facts, also }: { outcome: string; logsWhole: boolean; said: string | null; opening: Opening | null; facts: [string, ReactNode][]; also?: string }) {
  const { t } = useTranslation("leaks");
  const { t: common } = useTranslation("app");
  return (
    <div aria-live="polite">
      <Panel title={t(`outcomes.${outcome}.title`)} actions={<Badge tone={outcome === "attributed" ? "warn" : "neutral"}>{t(`outcomes.${outcome}.badge`)}</Badge>}>
        <div className="space-y-4 p-4">
          {!logsWhole && <p className="rounded-md bg-warn-wash px-3 py-2 text-warn">{t("notWhole")}</p>}
          {said !== null && <p>{said}</p>}
          <Facts
            of={[
              ...(opening === null
                ? []
                : ([
                    [t("who"), `${opening.actor}${opening.role === null ? "" : ` · ${common(`roles.${opening.role}`, { defaultValue: opening.role })}`}`],
                    [t("when"), <When key="when" ms={opening.time_ms} exact />],
                    [t("how"), t(`kinds.${opening.kind}`, { defaultValue: opening.kind })],
                    [t("about"), <Subject key="about" of={{ patient: opening.patient, study: opening.study }} />],
                    ...(opening.node === null ? [] : [[t("where"), opening.node]]),
                  ] as [string, ReactNode][])),
              ...facts,
            ]}
          />
          {opening !== null && (
            <>
              <Link to={`/audit?record=${encodeURIComponent(`${opening.index}@${opening.log}`)}`} className="inline-flex h-8 items-center gap-1.5 rounded-md border bg-surface px-3 font-medium hover:bg-raised">
                <ScrollText size={15} aria-hidden />
                {t("record")}
              </Link>
              <Words title={t("means")} of={[t("may", { name: opening.actor }), ...(also === undefined ? [] : [also])]} />
              <Words title={t("meansNot")} of={[t("notWho", { name: opening.actor }), t("notAll")]} />
            </>
          )}
        </div>
      </Panel>
    </div>
  );
}

function Words({ title, of }: { title: string; of: string[] }) {
  return (
    <section>
      <h3 className="font-semibold">{title}</h3>
      <ul className="mt-1 list-disc space-y-1 pl-5">
        {of.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </section>
  );
}
