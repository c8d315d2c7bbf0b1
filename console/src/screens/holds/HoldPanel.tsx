// One hold: what it is on and why, and its release by two.
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Facts, Panel, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Choice } from "../../components/forms";
import { nameOf, RELEASES, stepsFor, TONES, type Hold, type Release } from "./holds";

export function HoldPanel({ hold }: { hold: Hold }) {
  const { t } = useTranslation("holds");
  const me = useMe().data;
  const [asked, setAsked] = useState<"ask" | "approve" | "withdraw" | null>(null);
  const steps = stepsFor(hold, me?.name ?? "", me?.actions ?? []);
  const close = () => setAsked(null);
  const path = { params: { path: { hold: hold.id } } };
  const who = (name: string | undefined, ms: number | undefined) =>
    name === undefined || ms === undefined ? null : (
      <>
        {name} · <When ms={ms} exact />
      </>
    );
  const requested = who(hold.release_requested_by, hold.release_requested_ms);
  const released = who(hold.released_by, hold.released_ms);
  return (
    <Panel title={<span title={hold.id}>{t(`reasons.${hold.reason}`)}</span>} actions={<Badge tone={TONES[hold.state]}>{t(`states.${hold.state}`)}</Badge>}>
      <div className="space-y-4 p-4">
        <p className="text-soft">{t(`stateHelp.${hold.state}`)}</p>
        <Facts
          of={[
            [
              t(`subjects.${hold.subject}`),
              <span key="name" className="break-all">
                {nameOf(hold)}
              </span>,
            ],
            [t("placed"), who(hold.placed_by, hold.placed_ms)],
            [t("leaf"), String(hold.placed_leaf)],
            ...(requested === null ? [] : [[t("requested"), requested] as [string, ReactNode]]),
            ...(hold.release_reason === undefined ? [] : [[t("releaseReason"), t(`releases.${hold.release_reason}`)] as [string, string]]),
            ...(released === null ? [] : [[t("released"), released] as [string, ReactNode]]),
          ]}
        />
        <div className="flex flex-wrap gap-2">
          {steps.ask && <Button onClick={() => setAsked("ask")}>{t("ask.button")}</Button>}
          {steps.approve && (
            <Button look="danger" onClick={() => setAsked("approve")}>
              {t("approve.button")}
            </Button>
          )}
          {steps.withdraw && <Button onClick={() => setAsked("withdraw")}>{t("withdraw.button")}</Button>}
        </div>
      </div>
      {asked === "ask" && <AskRelease hold={hold} onClose={close} />}
      {asked === "approve" && (
        <ActionDialog
          action={{
            title: t("approve.title"),
            button: t("approve.button"),
            danger: true,
            consequences: [t("approve.now"), t("approve.other")],
            changes: ["holds"],
            perform: () => api.POST("/api/v1/holds/{hold}/release/approval", path),
            aside: <CopyAs cli={`yingdun hold approve ${hold.id}`} />,
          }}
          onClose={close}
        />
      )}
      {asked === "withdraw" && (
        <ActionDialog
          action={{
            title: t("withdraw.title"),
            button: t("withdraw.button"),
            consequences: [t("withdraw.stands")],
            changes: ["holds"],
            perform: () => api.DELETE("/api/v1/holds/{hold}/release", path),
            aside: <CopyAs cli={`yingdun hold withdraw ${hold.id}`} />,
          }}
          onClose={close}
        />
      )}
    </Panel>
  );
}

// === helpers ===

function AskRelease({ hold, onClose }: { hold: Hold; onClose: () => void }) {
  const { t } = useTranslation("holds");
  const [reason, setReason] = useState<Release>("ended");
  return (
    <ActionDialog
      action={{
        title: t("ask.title"),
        button: t("ask.button"),
        consequences: [t("ask.stands"), t("ask.other")],
        changes: ["holds"],
        perform: () => api.POST("/api/v1/holds/{hold}/release", { params: { path: { hold: hold.id } }, body: { reason } }),
        aside: <CopyAs cli={`yingdun hold release ${hold.id} --reason ${reason}`} />,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("releaseReason")}
        options={RELEASES.map((one) => [one, t(`releases.${one}`)])}
        value={reason}
        onChange={(event) => setReason(event.target.value as Release)}
      />
    </ActionDialog>
  );
}
