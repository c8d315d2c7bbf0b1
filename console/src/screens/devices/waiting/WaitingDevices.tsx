// Who called in vain, above the devices that are registered: why each was turned away, and the one move that helps. Where nobody waits it
// says what to type at a new device.
import { ChevronRight, RadioTower, Undo2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useQueryClient } from "@tanstack/react-query";
import { api, body } from "../../../api/client";
import { Button, Panel, Refused } from "../../../components/basics";
import { CopyAs } from "../../../components/CopyAs";
import { addTexts } from "../../../i18n";
import { DeviceForm } from "../DeviceForm";
import type { Device } from "../devices";
import { ApproveDialog } from "./ApproveDialog";
import en from "./en.json";
import { HowToCall } from "./HowToCall";
import { useWaiting } from "./queries";
import { draftWith, moveOf, nameOf, parted, type Waiting } from "./waiting";
import { WaitingRow } from "./WaitingRow";
import zh from "./zh-CN.json";

addTexts("waitingDevices", { "zh-CN": zh, en });

/** How often this is asked anew: somebody stands at the device and tries. */
const REFRESH_MS = 5_000;
/** Rows that are shown at first: what waits longest is below. */
const SHOWN = 3;
const DISMISSED_DAYS = 30;

export function WaitingDevices({ devices, onRegistered, onLook }: { devices: Device[]; onRegistered: (title: string, called: string) => void; onLook: (device: Device) => void }) {
  const { t } = useTranslation("waitingDevices");
  const queries = useQueryClient();
  const waiting = useWaiting(REFRESH_MS);
  const [approving, setApproving] = useState<Waiting | null>(null);
  const [changing, setChanging] = useState<{ device: Device; waiting: Waiting } | null>(null);
  const [all, setAll] = useState(false);
  const [withDismissed, setWithDismissed] = useState(false);
  const [said, setSaid] = useState<{ text: string; undo: Waiting | null } | null>(null);
  const [error, setError] = useState<unknown>(null);
  if (waiting.isError) return <Refused error={waiting.error} retry={() => void waiting.refetch()} />;
  if (!waiting.data) return null;
  const { open, dismissed } = parted(waiting.data.waiting);
  const rows = withDismissed ? [...open, ...dismissed] : open;
  const shown = all ? rows : rows.slice(0, SHOWN);

  const dismiss = async (one: Waiting, days: number | null) => {
    setError(null);
    const params = { path: { attempt: one.attempt } };
    const path = "/api/v1/waiting-devices/{attempt}/dismissal" as const;
    try {
      await body(days === null ? api.DELETE(path, { params }) : api.PUT(path, { params, body: { days } }));
      setSaid(days === null ? { text: t("restored", { name: nameOf(one) }), undo: null } : { text: t("dismissedNow", { name: nameOf(one), count: days }), undo: one });
      await queries.invalidateQueries({ queryKey: ["waiting-devices"] });
    } catch (caught) {
      setError(caught);
    }
  };

  return (
    <Panel
      className={open.length > 0 ? "border-warn" : ""}
      title={
        <span className="flex items-center gap-2">
          <RadioTower size={16} aria-hidden className={open.length > 0 ? "text-warn" : "text-soft"} />
          {open.length > 0 ? t("title", { count: open.length }) : t("none")}
        </span>
      }
      actions={
        <>
          {dismissed.length > 0 && (
            <Button look="quiet" aria-pressed={withDismissed} onClick={() => setWithDismissed(!withDismissed)}>
              {t(withDismissed ? "hideDismissed" : "showDismissed", { count: dismissed.length })}
            </Button>
          )}
          <CopyAs cli="yingdun device waiting" path="/api/v1/waiting-devices" />
        </>
      }
    >
      {error !== null && <Refused error={error} />}
      <p role="status" className={said === null ? "sr-only" : "flex flex-wrap items-center gap-2 border-b bg-raised px-4 py-1.5"}>
        {said?.text}
        {said?.undo && (
          <Button look="quiet" onClick={() => said.undo && void dismiss(said.undo, null)}>
            <Undo2 size={15} aria-hidden />
            {t("undo")}
          </Button>
        )}
      </p>
      {shown.length > 0 && (
        <ul aria-label={t("list")} className={all ? "max-h-96 divide-y overflow-y-auto" : "divide-y"}>
          {shown.map((one) => (
            <WaitingRow
              key={one.attempt}
              waiting={one}
              move={moveOf(one, devices)}
              onApprove={() => setApproving(one)}
              onChange={(device) => setChanging({ device, waiting: one })}
              onLook={onLook}
              onDismiss={() => void dismiss(one, DISMISSED_DAYS)}
              onRestore={() => void dismiss(one, null)}
            />
          ))}
        </ul>
      )}
      {rows.length > SHOWN && (
        <div className="border-t px-2 py-1">
          <Button look="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
            <ChevronRight size={15} aria-hidden className={all ? "-rotate-90" : "rotate-90"} />
            {t(all ? "fewer" : "more", { count: rows.length - SHOWN })}
          </Button>
        </div>
      )}
      <HowToCall doors={waiting.data.doors} open={rows.length === 0 && devices.length === 0} below={rows.length > 0} />
      {approving && (
        <ApproveDialog
          waiting={approving}
          onClose={() => setApproving(null)}
          onDone={() => {
            setSaid({ text: t("registered", { name: nameOf(approving) }), undo: null });
            onRegistered(approving.calling_ae ?? "", approving.called_ae ?? "");
            setApproving(null);
          }}
        />
      )}
      {changing && (
        <DeviceForm
          device={changing.device}
          draft={draftWith(changing.device, changing.waiting)}
          onClose={() => setChanging(null)}
          onDone={(title, called) => {
            onRegistered(title, called);
            setChanging(null);
          }}
        />
      )}
    </Panel>
  );
}
