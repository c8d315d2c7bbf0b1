// Flips one bit of a copy, to show which check notices it.
import { FlaskConical, Undo2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button, Panel } from "../../../components/basics";
import type { Bytes } from "../../../lib/bytes";
import type { Proof } from "../../../lib/tlog";
import { anyBit, around, type Part, type Tamper, type Tampered } from "./tamper";

const PARTS: Part[] = ["record", "sibling", "root", "signature"];

export function TryOut({ leaf, proof, spelling, present, changed, onChange }: {
  leaf: Bytes;
  proof: Proof;
  spelling: string;
  present: Tamper | null;
  changed: Tampered | null;
  onChange: (tamper: Tamper | null) => void;
}) {
  const { t } = useTranslation("audit");
  const [level, setLevel] = useState(0);
  const parts = proof.path.length === 0 ? PARTS.filter((part) => part !== "sibling") : PARTS;
  const flip = (part: Part) => {
    const at = Math.min(level, Math.max(0, proof.path.length - 1));
    onChange({ part, level: at, bit: anyBit(part, at, leaf, proof) });
  };
  return (
    <Panel
      title={
        <span className="inline-flex items-center gap-2">
          <FlaskConical size={16} aria-hidden /> {t("try.title")}
        </span>
      }
      actions={
        present && (
          <Button onClick={() => onChange(null)}>
            <Undo2 size={15} aria-hidden /> {t("try.undo")}
          </Button>
        )
      }
    >
      <div className="space-y-3 p-4">
        <p className="text-soft">{t("try.why")}</p>
        <div className="flex flex-wrap items-center gap-2" role="group" aria-label={t("try.title")}>
          {parts.map((part) => (
            <Button key={part} aria-pressed={present?.part === part} look={present?.part === part ? "danger" : "plain"} onClick={() => flip(part)}>
              {t(`try.${part}`)}
            </Button>
          ))}
          {parts.includes("sibling") && (
            <label className="flex items-center gap-2 text-soft">
              {t("try.level")}
              <select className="h-8 rounded-md border bg-surface px-2 text-ink" value={level} onChange={(event) => setLevel(Number(event.target.value))}>
                {proof.path.map((_, at) => (
                  <option key={at} value={at}>
                    {at + 1}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        {present && changed && <Told part={present.part} changed={changed} spelling={spelling} />}
      </div>
    </Panel>
  );
}

// === helpers ===

function Told({ part, changed, spelling }: { part: Part; changed: Tampered; spelling: string }) {
  const { t } = useTranslation("audit");
  const byte = (value: number) => `0x${value.toString(16).padStart(2, "0")}`;
  const character = (value: number) => (value >= 0x20 && value < 0x7f ? String.fromCharCode(value) : byte(value));
  const context = part === "record" ? around(spelling, changed.byte) : null;
  return (
    <div role="status" className="rounded-md bg-bad-wash p-3 text-bad">
      <p>{t("try.told", { byte: changed.byte, before: byte(changed.before), after: byte(changed.after) })}</p>
      {context && (
        <p className="mt-1 font-mono text-xs break-all">
          …{context.before}
          <del className="mx-0.5 font-bold">{character(changed.before)}</del>
          <ins className="mx-0.5 font-bold">{character(changed.after)}</ins>
          {context.behind}…
        </p>
      )}
    </div>
  );
}
