// A list of cases, a few words each, to go through with the arrow keys.
import { clsx } from "clsx";
import { useRef, type KeyboardEvent, type ReactNode } from "react";

export interface ListItem {
  key: string;
  title: string;
  line: ReactNode;
  badges: ReactNode;
}

export function CaseList({
  label,
  items,
  chosen,
  onChoose,
  empty,
}: {
  label: string;
  items: ListItem[];
  chosen: string | null;
  onChoose: (key: string) => void;
  /** Stands in the list where it has nothing. */
  empty: ReactNode;
}) {
  const list = useRef<HTMLUListElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const buttons = [...(list.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at === -1) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))]?.focus();
  };
  return (
    <nav aria-label={label} className="flex min-h-0 flex-1 flex-col overflow-auto rounded-lg border bg-surface shadow-raised">
      {items.length === 0 ? (
        empty
      ) : (
        <ul ref={list} onKeyDown={onKeyDown}>
          {items.map((item) => {
            const isChosen = item.key === chosen;
            return (
              <li key={item.key} className="border-b last:border-b-0">
                <button
                  type="button"
                  data-key={item.key}
                  aria-current={isChosen ? "true" : undefined}
                  onClick={() => onChoose(item.key)}
                  className={clsx(
                    "block w-full px-4 py-3 text-left focus-visible:outline-offset-[-2px]",
                    isChosen ? "bg-accent-wash shadow-[inset_3px_0_0_var(--accent)]" : "hover:bg-raised",
                  )}
                >
                  <span className="flex items-start justify-between gap-2">
                    <span className="min-w-0 truncate font-medium">{item.title}</span>
                    <span className="flex shrink-0 gap-1">{item.badges}</span>
                  </span>
                  <span className="mt-0.5 block truncate text-soft">{item.line}</span>
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </nav>
  );
}
