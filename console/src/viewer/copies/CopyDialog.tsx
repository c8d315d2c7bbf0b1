// A copy of what a pane shows: what will be in it and who will be on it, then the file that the server made. Nothing leaves before somebody says so here.
import { useMutation } from "@tanstack/react-query";
import { Camera, Check, Download, Printer } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { request } from "../../api/client";
import { Button, Facts, Refused } from "../../components/basics";
import { Dialog } from "../../components/Dialog";
import { Marked } from "../Marked";
import type { Shot } from "./shot";

export type CopyKind = "capture" | "print";

interface Made {
  address: string;
  name: string;
  mark: string;
  sha256: string;
  record: string;
}

/** The longest side of the small picture before, in pixels. */
const PREVIEW_SIDE = 640;

export function CopyDialog({ kind, shot, person, patient, onClose }: { kind: CopyKind; shot: Shot; person: string; patient: string; onClose: () => void }) {
  const { t } = useTranslation("copies");
  const [format, setFormat] = useState<"png" | "jpeg">("png");
  const [drawn, setDrawn] = useState(true);
  const make = useMutation({ mutationFn: () => copyOf(kind, shot, format, drawn) });
  const made = make.data;
  useEffect(() => (made ? () => URL.revokeObjectURL(made.address) : undefined), [made]);
  const Icon = kind === "print" ? Printer : Camera;
  return (
    <Dialog
      open
      onClose={onClose}
      wide
      title={t(`${kind}.title`)}
      footer={
        made ? (
          <>
            <Button onClick={() => keep(made)}>
              <Download size={15} aria-hidden />
              {t("again")}
            </Button>
            <Button look="primary" onClick={onClose}>
              {t("done")}
            </Button>
          </>
        ) : (
          <>
            <Button onClick={onClose}>{t("cancel")}</Button>
            <Button look="primary" busy={make.isPending} onClick={() => make.mutate(undefined, { onSuccess: keep })}>
              {!make.isPending && <Icon size={15} aria-hidden />}
              {t(`${kind}.make`)}
            </Button>
          </>
        )
      }
    >
      <div className="grid gap-5 sm:grid-cols-2">
        {made && kind === "capture" ? (
          <img src={made.address} alt={t("made")} className="aspect-square w-full rounded-md bg-black object-contain" data-testid="copy-made" />
        ) : (
          <Preview shot={shot} drawn={drawn} />
        )}
        <div className="min-w-0 space-y-4">
          {made ? (
            <>
              <p role="status" className="flex items-center gap-2 font-semibold text-good">
                <Check size={17} aria-hidden />
                {t(`${kind}.saved`)}
              </p>
              <Facts
                of={[
                  [t("mark"), <strong key="mark">{made.mark}</strong>],
                  [t("file"), made.name],
                  [t("record"), made.record],
                  ["SHA-256", <code key="sha256" className="text-xs break-all">{made.sha256}</code>],
                ]}
              />
              <p className="text-soft">{t(`${kind}.then`)}</p>
            </>
          ) : (
            <>
              <p>{t("who", { person, patient })}</p>
              {kind === "capture" && (
                <fieldset className="flex items-center gap-4">
                  <legend className="mb-1 text-soft">{t("format")}</legend>
                  {(["png", "jpeg"] as const).map((one) => (
                    <label key={one} className="flex items-center gap-2">
                      <input type="radio" name="format" className="size-4" checked={format === one} onChange={() => setFormat(one)} />
                      {one.toUpperCase()}
                    </label>
                  ))}
                </fieldset>
              )}
              {shot.drawings.length > 0 && (
                <label className="flex items-center gap-2">
                  <input type="checkbox" className="size-4" checked={drawn} onChange={(event) => setDrawn(event.target.checked)} />
                  {t("drawings", { count: shot.drawings.length })}
                </label>
              )}
              <p className="text-soft">{t("recorded")}</p>
              <p className="text-soft">{t("notForDiagnosis")}</p>
              {make.isError && <Refused error={make.error} />}
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}

// === helpers ===

/** The part of the picture as the server renders it anyway, lying as in the pane. */
function Preview({ shot, drawn }: { shot: Shot; drawn: boolean }) {
  const { t } = useTranslation("copies");
  const { study, series, instance, frame, window, region, mirrored, turned, inverted, drawings } = shot;
  const query = new URLSearchParams({ viewport: [PREVIEW_SIDE, PREVIEW_SIDE, ...(region === undefined ? [] : [region])].join(",") });
  if (window !== undefined) query.set("window", `${window},linear`);
  const lies = `rotate(${turned * 90}deg) scaleX(${mirrored ? -1 : 1})`;
  return (
    <Marked className="aspect-square w-full overflow-hidden rounded-md bg-black">
      <div className="absolute inset-0" style={{ transform: lies }}>
        <img
          src={`/dicom-web/studies/${study}/series/${series}/instances/${instance}/frames/${frame}/rendered?${query}`}
          alt={t("preview")}
          draggable={false}
          className="size-full object-contain"
          style={{ filter: inverted ? "invert(1)" : "none" }}
        />
        {drawn && region !== undefined && (
          <svg viewBox={region.replaceAll(",", " ")} aria-hidden className="absolute inset-0 size-full">
            {drawings.map(({ points = "" }, index) => (
              <polyline key={index} points={points} fill="none" stroke="#fff" strokeWidth="2" vectorEffect="non-scaling-stroke" />
            ))}
          </svg>
        )}
      </div>
    </Marked>
  );
}

async function copyOf(kind: CopyKind, shot: Shot, format: "png" | "jpeg", drawn: boolean): Promise<Made> {
  const { study, drawings, ...rest } = shot;
  const asked = { ...rest, kind, drawings: drawn ? drawings : [], ...(kind === "capture" ? { format } : {}) };
  const answer = await request(`/api/v1/studies/${encodeURIComponent(study)}/copies`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
  });
  const head = (name: string) => answer.headers.get(name) ?? "";
  const [, name = `${head("Yingdun-Mark")}`] = /filename="([^"]+)"/.exec(head("Content-Disposition")) ?? [];
  const file = await answer.blob();
  return { address: URL.createObjectURL(file), name, mark: head("Yingdun-Mark"), sha256: head("Yingdun-Sha256"), record: head("Yingdun-Leaf") };
}

function keep({ address, name }: Made): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
