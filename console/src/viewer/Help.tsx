// All keys on one sheet, a switch for who does not want single keys to do things (WCAG 2.2, 2.1.4), and the way to other keys.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../components/basics";
import { Dialog } from "../components/Dialog";
import { shownOf, type Bindings } from "./bindings";
import { KeyEditor } from "./KeyEditor";
import { KEYS } from "./keys";

interface HelpProps {
  open: boolean;
  onClose: () => void;
  letters: boolean;
  onLetters: (on: boolean) => void;
  keys: Bindings;
  onKeys: (next: Bindings) => void;
}

export function Help({ open, onClose, letters, onLetters, keys, onKeys }: HelpProps) {
  const { t } = useTranslation("viewer");
  const { t: edits } = useTranslation("keyboard");
  const { t: common } = useTranslation("app");
  const [editing, setEditing] = useState(false);
  const close = () => {
    setEditing(false);
    onClose();
  };
  return (
    <Dialog
      open={open}
      onClose={close}
      title={editing ? edits("title") : t("help.title")}
      wide
      footer={<Button onClick={() => setEditing(!editing)}>{editing ? edits("back") : edits("change")}</Button>}
    >
      {editing ? (
        <KeyEditor keys={keys} onKeys={onKeys} />
      ) : (
        <>
          <p className="mb-2 text-soft">{common("finder.help")}</p>
          <dl className="grid grid-cols-1 gap-x-8 gap-y-1 sm:grid-cols-2 md:grid-cols-3">
            {KEYS.map(({ name }) => (
              <div key={name} className="flex items-center justify-between gap-3 border-b py-1">
                <dt>{t(`keys.${name}`)}</dt>
                <dd>
                  {keys[name] ? <kbd className="rounded border bg-raised px-1.5 text-xs whitespace-nowrap">{shownOf(keys[name])}</kbd> : <span className="text-xs text-soft">{edits("none")}</span>}
                </dd>
              </div>
            ))}
          </dl>
          <p className="mt-4 text-soft">{t("help.mouse")}</p>
          <label className="mt-3 flex items-center gap-2">
            <input type="checkbox" checked={letters} onChange={(event) => onLetters(event.target.checked)} className="size-4" />
            {t("help.letters")}
          </label>
        </>
      )}
    </Dialog>
  );
}
