// Opening one patient in an emergency: whom, why, and the password once more; then everything that is listed is asked for anew.
import { useQueryClient } from "@tanstack/react-query";
import { Siren } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../api/client";
import { ProblemError } from "../api/problem";
import { useMe } from "../api/queries";
import { BROKEN_GLASS, GLASS_CODES, type BrokenGlass as Case, type GlassCode } from "../api/rows";
import { addTexts } from "../i18n";
import { know } from "../lib/known";
import { Button } from "./basics";
import en from "./break-glass.en.json";
import zh from "./break-glass.zh-CN.json";
import { ActionDialog } from "./ActionDialog";
import { Choice, TextArea, TextField } from "./forms";

addTexts("breakGlass", { "zh-CN": zh, en });

/** For how long, in minutes; the server has the last word. */
const MINUTES = [15, 30, 60, 120, 240];

/** The button, for roles that may; nothing for others. */
export function BreakGlass({
  patientId = "",
  compact = false,
  onOpened,
}: {
  patientId?: string;
  /** Only its picture, for the frame. */
  compact?: boolean;
  onOpened?: (patientId: string) => void;
}) {
  const { t } = useTranslation("breakGlass");
  const me = useMe().data;
  const [open, setOpen] = useState(false);
  if (me?.actions.includes("break-glass") !== true) return null;
  return (
    <>
      {compact ? (
        <button
          type="button"
          title={t("open")}
          aria-label={t("anywhere")}
          onClick={() => setOpen(true)}
          className="grid size-9 place-items-center rounded-md text-bad hover:bg-bad-wash"
        >
          <Siren size={18} aria-hidden />
        </button>
      ) : (
        <Button look="danger" className="h-10! rounded-lg!" onClick={() => setOpen(true)}>
          <Siren size={16} aria-hidden />
          {patientId === "" ? t("open") : t("openFor", { patientId })}
        </Button>
      )}
      {open && <Opening patientId={patientId} onClose={() => setOpen(false)} onOpened={onOpened} />}
    </>
  );
}

// === helpers ===

function Opening({
  patientId,
  onClose,
  onOpened,
}: {
  patientId: string;
  onClose: () => void;
  onOpened: ((patientId: string) => void) | undefined;
}) {
  const { t } = useTranslation("breakGlass");
  const queries = useQueryClient();
  const [patient, setPatient] = useState(patientId);
  const [issuer, setIssuer] = useState("");
  const [code, setCode] = useState<GlassCode>("emergency-treatment");
  const [reason, setReason] = useState("");
  const [minutes, setMinutes] = useState("60");
  const [password, setPassword] = useState("");
  const [fault, setFault] = useState<string | undefined>(undefined);
  const open = async (id: string) => {
    const asked = {
      patient_id: id,
      ...(issuer.trim() === "" ? {} : { issuer: issuer.trim() }),
      code,
      reason,
      minutes: Number(minutes),
      ...(password === "" ? {} : { password }),
    };
    try {
      return (await body(api.POST("/api/v1/break-glass", { body: asked }))) as Case;
    } catch (caught) {
      if (!(caught instanceof ProblemError) || caught.details.came !== "step-up") throw caught;
      // In an emergency nobody reads how a request is made.
      const title = t(password === "" ? "passwordNeeded" : "passwordWrong");
      setFault(title);
      throw new ProblemError(caught.status, { type: caught.details.type ?? "", title, title_zh: title, do: t("passwordHelp") });
    }
  };
  const perform = async () => {
    setFault(undefined);
    const id = patient.trim();
    const opened = await open(id);
    know(opened.patient, id);
    await queries.invalidateQueries({ queryKey: BROKEN_GLASS });
    void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== BROKEN_GLASS[0] && query.queryKey[0] !== "me" });
    onOpened?.(id);
  };
  return (
    <ActionDialog
      action={{ title: t("title"), button: t("open"), danger: true, consequences: [t("what.opens"), t("what.told")], changes: [], perform }}
      onClose={onClose}
    >
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          label={t("patientId")}
          required
          autoFocus={patientId === ""}
          autoComplete="off"
          value={patient}
          onChange={(event) => setPatient(event.target.value)}
        />
        <Choice
          label={t("code")}
          value={code}
          onChange={(event) => setCode(event.target.value as GlassCode)}
          options={GLASS_CODES.map((word) => [word, t(`codes.${word}`)])}
        />
      </div>
      <TextArea
        label={t("reason")}
        hint={t("reasonHint")}
        required
        rows={2}
        maxLength={500}
        autoFocus={patientId !== ""}
        value={reason}
        onChange={(event) => setReason(event.target.value)}
      />
      <div className="grid gap-3 sm:grid-cols-2">
        <TextField
          label={t("password")}
          hint={t("passwordHint")}
          fault={fault}
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Choice
          label={t("howLong")}
          value={minutes}
          onChange={(event) => setMinutes(event.target.value)}
          options={MINUTES.map((count) => [String(count), t("minutes", { count })])}
        />
      </div>
      <details>
        <summary className="cursor-pointer text-soft">{t("issuerAsk")}</summary>
        <TextField className="mt-2" label={t("issuer")} value={issuer} onChange={(event) => setIssuer(event.target.value)} />
      </details>
    </ActionDialog>
  );
}
