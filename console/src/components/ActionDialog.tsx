// Something that somebody is about to do: what will happen, what is asked for, and what the server said to it. What cannot be taken back asks
// for a word to be typed first.
import { CircleAlert } from "lucide-react";
import { useId, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useQueryClient } from "@tanstack/react-query";
import { Button, Refused } from "./basics";
import { Dialog } from "./Dialog";
import { TextField } from "./forms";

interface Action {
  title: string;
  /** What the button says. */
  button: string;
  /** What will happen, one sentence each. */
  consequences?: ReactNode[];
  /** The word to type first, where it cannot be taken back. */
  typed?: string;
  danger?: boolean;
  wide?: boolean;
  /** Why it cannot be done yet; the button waits. */
  incomplete?: boolean;
  /** Which answers it makes out of date. */
  changes: string[];
  perform: () => Promise<unknown>;
  /** Beside the button, such as a copy of the command. */
  aside?: ReactNode;
}

export function ActionDialog({
  action,
  onClose,
  onDone,
  children,
}: {
  action: Action;
  onClose: () => void;
  /** Called instead of `onClose` once it is done. */
  onDone?: (() => void) | undefined;
  children?: ReactNode;
}) {
  const { t } = useTranslation("app");
  const queries = useQueryClient();
  const id = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [typed, setTyped] = useState("");
  const waits = action.incomplete === true || (action.typed !== undefined && typed.trim() !== action.typed);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    // A form in a dialog that was opened from a form is inside that one to React.
    event.stopPropagation();
    if (busy || waits) return;
    setBusy(true);
    setError(null);
    try {
      await action.perform();
      // What waits may be less now, or more.
      await Promise.all([...action.changes, "overview"].map((name) => queries.invalidateQueries({ queryKey: [name] })));
      (onDone ?? onClose)();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog
      open
      onClose={onClose}
      title={action.title}
      wide={action.wide ?? false}
      footer={
        <>
          <span className="mr-auto flex">{action.aside}</span>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button type="submit" form={id} look={action.danger === true ? "danger" : "primary"} busy={busy} disabled={waits}>
            {action.button}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={(event) => void submit(event)} className="space-y-4">
        {action.consequences !== undefined && (
          <ul className="space-y-2">
            {action.consequences.map((sentence, index) => (
              <li key={index} className="flex gap-2.5">
                <CircleAlert size={16} aria-hidden className={`mt-0.5 shrink-0 ${action.danger === true ? "text-bad" : "text-accent"}`} />
                <span className="min-w-0">{sentence}</span>
              </li>
            ))}
          </ul>
        )}
        {children}
        {action.typed !== undefined && (
          <TextField
            label={t("typeToConfirm", { word: action.typed })}
            autoComplete="off"
            spellCheck={false}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
          />
        )}
        {error !== null && <Refused error={error} />}
      </form>
    </Dialog>
  );
}
