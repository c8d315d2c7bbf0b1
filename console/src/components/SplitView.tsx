// A list and what is chosen of it: side by side where there is room, and else the one in place of the other, with a way back.
import { clsx } from "clsx";
import { ArrowLeft, X } from "lucide-react";
import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useRoom } from "../lib/narrow";

export function SplitView({
  head,
  title,
  chosen,
  side,
  unchosen,
  onLeave,
  broad = "list",
  className,
  children,
}: {
  /** What stands above the list; it goes with it. */
  head?: ReactNode;
  /** Names what is beside the list. */
  title: string;
  /** The key of what is chosen, to come back to. */
  chosen: string | null;
  /** What is chosen; nothing where nothing is. */
  side: ReactNode;
  /** Stands beside the list until something is chosen. Without it the list has the whole width, and what is chosen has a frame of its own. */
  unchosen?: ReactNode | null;
  /** Nothing is to be chosen any more. */
  onLeave: () => void;
  /** Which of the two takes the room that is left. */
  broad?: "list" | "side";
  className?: string;
  /** The list. */
  children: ReactNode;
}) {
  const { t } = useTranslation("app");
  const room = useRoom();
  const isOpen = Boolean(side);
  const list = useRef<HTMLDivElement>(null);
  const back = useRef<HTMLButtonElement>(null);
  const before = useRef({ isOpen, chosen });
  useEffect(() => {
    const left = before.current;
    before.current = { isOpen, chosen };
    if (left.isOpen === isOpen || left.chosen === chosen || document.querySelector("[role=dialog]")) return;
    // Where one takes the place of the other, the focus goes along; nobody's focus is taken away.
    if (isOpen) back.current?.focus();
    else if (document.activeElement === document.body) {
      const place = list.current?.querySelector<HTMLElement>(`[data-key="${CSS.escape(left.chosen ?? "")}"]`);
      (place ?? list.current?.querySelector<HTMLElement>("[role=grid]"))?.focus();
    }
  }, [isOpen, chosen]);
  const alone = isOpen && !room;
  return (
    <div className={clsx("flex min-h-0 flex-1 flex-col gap-3", className)}>
      {head !== undefined && <div className={clsx("flex-col gap-3", alone ? "hidden" : "flex")}>{head}</div>}
      <div className="flex min-h-0 flex-1 gap-3">
        <div
          ref={list}
          className={clsx("min-h-96 min-w-0 flex-col xl:min-h-0", alone ? "hidden" : "flex", room && broad === "side" ? "w-88 shrink-0" : "flex-1")}
        >
          {children}
        </div>
        {(isOpen || (room && unchosen != null)) && (
          <aside
            aria-label={title}
            className={clsx("flex min-h-0 min-w-0 flex-col gap-3 overflow-auto", alone || broad === "side" ? "flex-1" : "w-80 shrink-0 min-[1400px]:w-96")}
          >
            {alone && (
              <button
                ref={back}
                type="button"
                onClick={onLeave}
                className="inline-flex h-9 items-center gap-1.5 self-start rounded-md px-2 font-medium text-accent hover:bg-accent-wash focus-visible:outline-offset-[-2px]"
              >
                <ArrowLeft size={16} aria-hidden />
                {t("back")}
              </button>
            )}
            {!isOpen ? (
              unchosen
            ) : unchosen !== undefined ? (
              side
            ) : (
              <Framed title={title} onClose={room ? onLeave : undefined}>
                {side}
              </Framed>
            )}
          </aside>
        )}
      </div>
    </div>
  );
}

/** What stands beside a list in which nothing is chosen. */
export function NothingChosen({ icon, children }: { icon?: ReactNode; children: ReactNode }) {
  return (
    <p className="flex flex-col items-center gap-2 rounded-lg border border-dashed p-8 text-center text-soft">
      {icon}
      {children}
    </p>
  );
}

// === helpers ===

function Framed({ title, onClose, children }: { title: string; onClose: (() => void) | undefined; children: ReactNode }) {
  const { t } = useTranslation("app");
  return (
    <section className="flex min-h-0 flex-col overflow-hidden rounded-lg border bg-surface shadow-raised">
      <header className="flex min-h-11 items-center justify-between gap-2 border-b px-4 py-1.5">
        <h2>{title}</h2>
        {onClose && (
          <button type="button" onClick={onClose} aria-label={t("close")} className="grid size-8 place-items-center rounded-md hover:bg-accent-wash">
            <X size={16} aria-hidden />
          </button>
        )}
      </header>
      <div className="min-h-0 flex-1 overflow-auto p-4">{children}</div>
    </section>
  );
}
