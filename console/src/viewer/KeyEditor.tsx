// Where a person gives commands other keys. A key that is taken is said to be, and changes places only when that is wanted.
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../components/basics";
import { addTexts } from "../i18n";
import { save } from "../lib/download";
import { chordOf, FILE_BYTES_MAX, isFault, readKeys, rebound, shownOf, swapped, usual, written, type Bindings, type Fault } from "./bindings";
import { KEYS } from "./keys";
import en from "./keyboard.en.json";
import zh from "./keyboard.zh-CN.json";

addTexts("keyboard", { "zh-CN": zh, en });

const FILE = "yingdun-keys.json";

export function KeyEditor({ keys, onKeys }: { keys: Bindings; onKeys: (next: Bindings) => void }) {
  const { t } = useTranslation("keyboard");
  const { t: named } = useTranslation("viewer");
  const [listening, setListening] = useState<string | null>(null);
  const [fault, setFault] = useState<Fault | "large" | null>(null);
  const [done, setDone] = useState("");
  const file = useRef<HTMLInputElement>(null);
  const nameOf = (name: string) => (KEYS.some((key) => key.name === name) ? named(`keys.${name}`) : name);
  const key = (chord: string) => (chord === "" ? t("none") : shownOf(chord));

  const take = (next: Bindings | Fault, said: string) => {
    setFault(isFault(next) ? next : null);
    setDone(isFault(next) ? "" : said);
    if (!isFault(next)) onKeys(next);
  };
  const heard = useRef((_: string) => undefined as void);
  heard.current = (chord) => {
    if (listening === null) return;
    setListening(null);
    take(rebound(keys, listening, chord), t("changed", { name: nameOf(listening), key: shownOf(chord) }));
  };
  useEffect(() => {
    if (listening === null) return;
    const pressed = (event: KeyboardEvent) => {
      const chord = chordOf(event);
      // Nobody else gets this key: neither the dialog, which Escape would close, nor the browser.
      event.preventDefault();
      event.stopImmediatePropagation();
      if (chord === "Escape") setListening(null);
      else if (chord !== null) heard.current(chord);
    };
    window.addEventListener("keydown", pressed, { capture: true });
    return () => window.removeEventListener("keydown", pressed, { capture: true });
  }, [listening]);

  const taken = typeof fault === "object" && fault?.kind === "taken" && keys[fault.by] === fault.chord ? fault : null;
  const read = async (chosen: File) => {
    if (chosen.size > FILE_BYTES_MAX) {
      setFault("large");
      setDone("");
    } else take(readKeys(await chosen.text()), t("imported"));
  };

  return (
    <div className="space-y-3">
      <p className="text-soft">{t("intro")}</p>
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => take(usual(), t("restored"))}>{t("reset")}</Button>
        <Button onClick={() => save(FILE, "application/json", written(keys))}>{t("export")}</Button>
        <Button onClick={() => file.current?.click()}>{t("import")}</Button>
        <input
          ref={file}
          type="file"
          accept="application/json,.json"
          aria-label={t("import")}
          tabIndex={-1}
          className="sr-only"
          onChange={(event) => {
            const [chosen] = event.target.files ?? [];
            if (chosen) void read(chosen);
            event.target.value = "";
          }}
        />
      </div>
      {fault !== null && (
        <div role="alert" ref={(shown) => shown?.scrollIntoView({ block: "nearest" })} className="flex flex-wrap items-center gap-3 rounded-md bg-warn-wash px-3 py-2 text-warn">
          <p className="min-w-0 flex-1">
            {fault === "large" ? t("large") : fault.kind === "format" ? t("fault.format") : t(`fault.${fault.kind}`, wordsOf(fault, nameOf))}
          </p>
          {taken && (
            <>
              <Button onClick={() => take(swapped(keys, taken.name, taken.by), t("changed", { name: nameOf(taken.name), key: shownOf(taken.chord) }))}>{t("swap")}</Button>
              <Button onClick={() => setFault(null)}>{t("keep")}</Button>
            </>
          )}
        </div>
      )}
      <p role="status" className={done === "" ? "sr-only" : "text-good"}>
        {done}
      </p>
      <ul className="grid grid-cols-1 gap-x-8 sm:grid-cols-2">
        {KEYS.map(({ name, code }) => {
          const mine = keys[name] ?? "";
          return (
            <li key={name} className="flex min-h-9 items-center justify-between gap-2 border-b py-1">
              <span className="min-w-0">
                {nameOf(name)}
                {mine !== code && <span className="block text-xs text-soft">{t("usual", { key: shownOf(code) })}</span>}
              </span>
              <button
                type="button"
                aria-label={listening === name ? undefined : t("of", { name: nameOf(name), key: key(mine) })}
                data-command={name}
                onClick={() => {
                  setFault(null);
                  setDone("");
                  setListening(name);
                }}
                onBlur={() => setListening((present) => (present === name ? null : present))}
                className={`min-h-7 min-w-10 shrink-0 rounded border px-2 text-xs ${listening === name ? "border-accent bg-accent-wash" : "bg-raised hover:border-accent"}`}
              >
                {listening === name ? `${t("press")} ${t("pressHelp")}` : <kbd>{key(mine)}</kbd>}
              </button>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

// === helpers ===

function wordsOf(fault: Exclude<Fault, { kind: "format" }>, nameOf: (name: string) => string): Record<string, string> {
  if (fault.kind === "unknown") return { name: fault.name };
  return { key: shownOf(fault.chord), ...(fault.kind === "taken" ? { by: nameOf(fault.by) } : {}) };
}
