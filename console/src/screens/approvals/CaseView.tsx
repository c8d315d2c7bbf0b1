// One case: what it is, who did what of it and whose turn it is, what there is to know, and what may be done.
import { useTranslation } from "react-i18next";
import { Badge, Facts, Panel } from "../../components/basics";
import { Countdown } from "../../components/Countdown";
import { Steps, type Step } from "../../components/Steps";
import { Acts } from "./Acts";
import { DestructionBody } from "./DestructionBody";
import { GlassBody } from "./GlassBody";
import { PolicyBody } from "./PolicyBody";
import type { Case } from "./cases";
import { useFacts } from "./facts";
import { toneOf, useTitles } from "./titles";

export function CaseView({ of, onDone }: { of: Case; onDone: () => void }) {
  const { t } = useTranslation("approvals");
  const { t: common } = useTranslation("app");
  const { title } = useTitles()(of);
  const facts = useFacts(of);
  const steps: Step[] = of.steps.map((step) => ({
    title: t(`steps.${step.name}`, { office: step.office === null ? "" : common(`roles.${step.office}`) }),
    state: step.state,
    by: step.by,
    at_ms: step.at_ms,
    ...(step.office === null ? {} : { whose: t("whose", { office: common(`roles.${step.office}`) }) }),
  }));
  return (
    <Panel
      title={title}
      actions={
        <span className="flex flex-wrap items-center gap-2">
          {of.due_ms !== null && !of.settled && <Countdown from_ms={of.asked_ms} until_ms={of.due_ms} due />}
          {of.kind === "destruction" && !of.settled && <Badge tone="bad">{t("irreversible")}</Badge>}
          <Badge tone={toneOf(of)}>{t(`states.${of.kind}.${of.state}`)}</Badge>
        </span>
      }
    >
      <div className="space-y-5 p-4">
        <Steps of={steps} label={t("stepsOf")} />
        <Facts of={facts} />
        {of.kind === "break-glass" && <GlassBody row={of.row} />}
        {of.kind === "policy" && <PolicyBody key={of.key} row={of.row} />}
        {of.kind === "destruction" && <DestructionBody id={of.id} />}
        {(of.acts.length > 0 || of.own) && (
          <section aria-label={t("decide")} className="border-t pt-4">
            <Acts of={of} onDone={onDone} />
          </section>
        )}
      </div>
    </Panel>
  );
}
