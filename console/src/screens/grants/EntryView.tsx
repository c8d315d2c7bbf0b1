// One right: whose, from whom, about what, until when and why; what was done with it; and the way to end it.
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { Badge, Button, Facts, Panel, When } from "../../components/basics";
import { ActionDialog } from "../../components/ActionDialog";
import { CopyAs } from "../../components/CopyAs";
import { Countdown, useNow } from "../../components/Countdown";
import { DoneUnder } from "../../components/DoneUnder";
import { Subject } from "../../components/Subject";
import { KindBadge, STATE_TONES } from "./columns";
import { endingOf, stateOf, type Entry } from "./entry";

export function EntryView({ entry, onChanged }: { entry: Entry; onChanged: () => void }) {
  const { t } = useTranslation("grants");
  const me = useMe().data;
  const now = useNow(entry.until_ms);
  const state = stateOf(entry, now);
  const ending = me ? endingOf(entry, me, now) : null;
  const [asked, setAsked] = useState(false);
  const facts: [string, ReactNode][] = [
    [t("name"), entry.name],
    ...(entry.by === null ? [] : [[t("by"), entry.by] as [string, ReactNode]]),
    [t("subject"), <Subject key="subject" of={entry} />],
    [t("reason"), entry.reason ?? "—"],
  ];
  if (entry.kind === "break-glass") facts.push([t("code"), t(`codes.${entry.row.code}`)]);
  if (entry.kind === "grant") facts.push([t("purpose"), t(entry.row.export ? "treatExport" : "treat")]);
  facts.push([t("given"), <When key="given" ms={entry.given_ms} exact />]);
  facts.push([t("from"), <When key="from" ms={entry.from_ms} exact />], [t("until"), <When key="until" ms={entry.until_ms} exact />]);
  if (entry.ended_ms !== null)
    facts.push([
      t("ended"),
      <span key="ended">
        <When ms={entry.ended_ms} exact /> {entry.ended_by ?? ""}
      </span>,
    ]);
  if (entry.kind === "break-glass")
    facts.push([
      t("review"),
      entry.row.verdict === null ? (
        <Countdown key="review" from_ms={entry.given_ms} until_ms={entry.row.review_due_ms} due />
      ) : (
        <span key="review">
          <Badge tone={entry.row.verdict === "justified" ? "good" : "bad"}>{t(`verdicts.${entry.row.verdict}`)}</Badge> {entry.row.reviewed_by}
          {entry.row.review !== null && `：${entry.row.review}`}
        </span>
      ),
    ]);
  return (
    <Panel
      title={<KindBadge kind={entry.kind} />}
      actions={
        state === "open" ? <Countdown from_ms={entry.from_ms} until_ms={entry.until_ms} /> : <Badge tone={STATE_TONES[state]}>{t(`states.${state}`)}</Badge>
      }
    >
      <div className="space-y-4 p-4">
        <Facts of={facts} />
        <DoneUnder right={{ grant: entry.id, actor: entry.name, from_ms: entry.from_ms, until_ms: (entry.ended_ms ?? entry.until_ms) + 1 }} />
        {ending !== null && (
          <div className="border-t pt-4">
            <Button look="danger" onClick={() => setAsked(true)}>
              {t(`${ending}.do`)}
            </Button>
          </div>
        )}
        {asked && ending !== null && (
          <ActionDialog
            action={{
              title: t(`${ending}.title`),
              button: t(`${ending}.do`),
              danger: true,
              consequences: [t(`${ending}.what.${entry.kind}`, { name: entry.name })],
              changes: [],
              perform: () => end(entry, ending),
              aside: <CopyAs cli={cliOf(entry, ending)} />,
            }}
            onClose={() => setAsked(false)}
            onDone={() => {
              setAsked(false);
              onChanged();
            }}
          />
        )}
      </div>
    </Panel>
  );
}

// === helpers ===

function end(entry: Entry, how: "end" | "complete"): Promise<unknown> {
  if (entry.kind === "grant") return api.DELETE("/api/v1/grants/{grant}", { params: { path: { grant: entry.id } } });
  if (entry.kind === "break-glass") return api.DELETE("/api/v1/break-glass/{grant}", { params: { path: { grant: entry.id } } });
  const params = { path: { consultation: entry.id } };
  return how === "complete"
    ? api.POST("/api/v1/consultations/{consultation}/completion", { params })
    : api.DELETE("/api/v1/consultations/{consultation}", { params });
}

function cliOf(entry: Entry, how: "end" | "complete"): string {
  if (entry.kind === "grant") return `yingdun grant revoke ${entry.id}`;
  if (entry.kind === "break-glass") return `yingdun break-glass end ${entry.id}`;
  return `yingdun consultation ${how === "complete" ? "complete" : "withdraw"} ${entry.id}`;
}
