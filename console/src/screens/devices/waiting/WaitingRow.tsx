// One that called in vain: who it says that it is, from where, why it was turned away and what helps.
import { EyeOff, FilePen, LockKeyhole, LockKeyholeOpen, Search, ShieldCheck, Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, Button, When } from "../../../components/basics";
import type { Device } from "../devices";
import { nameOf, type moveOf, type Waiting } from "./waiting";

export function WaitingRow({
  waiting,
  move,
  onApprove,
  onChange,
  onLook,
  onDismiss,
  onRestore,
}: {
  waiting: Waiting;
  move: ReturnType<typeof moveOf>;
  onApprove: () => void;
  onChange: (device: Device) => void;
  onLook: (device: Device) => void;
  onDismiss: () => void;
  onRestore: () => void;
}) {
  const { t } = useTranslation("waitingDevices");
  const name = nameOf(waiting);
  const isDismissed = waiting.dismissed_until_ms !== null;
  const Lock = waiting.tls ? LockKeyhole : LockKeyholeOpen;
  return (
    <li className="flex flex-wrap items-start gap-x-6 gap-y-2 px-4 py-3">
      <div className="min-w-0 flex-1 basis-80 space-y-1">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-mono font-semibold break-all">{waiting.calling_ae ?? t("noTitle")}</span>
          {waiting.called_ae !== null && (
            <span className="text-soft">
              → <span className="font-mono">{waiting.called_ae}</span>
            </span>
          )}
          <Badge tone={waiting.tls ? (waiting.certificate?.trusted ? "good" : "neutral") : "warn"} icon={<Lock size={12} aria-hidden />}>
            {t(waiting.tls ? "tls" : "plain")}
          </Badge>
          {isDismissed && <Badge icon={<EyeOff size={12} aria-hidden />}>{t("isDismissed")}</Badge>}
        </p>
        <p>
          <span className="font-medium">{t(`cause.${waiting.cause}`)}</span> <span className="text-soft">{t(waiting.approvable && !waiting.tls ? "doPlain" : `do.${waiting.cause}`)}</span>
        </p>
        <p className="flex flex-wrap gap-x-4 text-xs text-soft">
          <span>
            {t("from")} <span className="font-mono">{waiting.address}</span>
          </span>
          {waiting.certificate && (
            <span className="min-w-0 break-all">
              {t("certificate")} {waiting.certificate.subject}
            </span>
          )}
          <span>{t("attempts", { count: waiting.attempts })}</span>
          <span>
            {t("last")} <When ms={waiting.last_ms} />
          </span>
          {waiting.attempts > 1 && (
            <span>
              {t("first")} <When ms={waiting.first_ms} />
            </span>
          )}
        </p>
      </div>
      <div className="flex flex-wrap gap-2">
        {isDismissed ? (
          <Button aria-label={t("restoreOf", { name })} onClick={onRestore}>
            <Undo2 size={15} aria-hidden />
            {t("restore")}
          </Button>
        ) : (
          <>
            {move?.kind === "approve" && (
              <Button look={waiting.tls ? "primary" : "plain"} aria-label={t("approveOf", { name })} onClick={onApprove}>
                <ShieldCheck size={15} aria-hidden />
                {t("approve")}
              </Button>
            )}
            {move?.kind === "change" && (
              <Button aria-label={t("changeOf", { name })} onClick={() => onChange(move.device)}>
                <FilePen size={15} aria-hidden />
                {t("change")}
              </Button>
            )}
            {move?.kind === "look" && (
              <Button aria-label={t("lookOf", { name })} onClick={() => onLook(move.device)}>
                <Search size={15} aria-hidden />
                {t("look")}
              </Button>
            )}
            <Button look="quiet" aria-label={t("dismissOf", { name })} title={t("dismissHelp")} onClick={onDismiss}>
              <EyeOff size={15} aria-hidden />
              {t("dismiss")}
            </Button>
          </>
        )}
      </div>
    </li>
  );
}
