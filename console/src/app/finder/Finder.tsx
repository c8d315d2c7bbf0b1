// Ctrl K everywhere: one box that leads to screens, studies, people and devices. What it shows is fetched when it is first opened.
import { Search } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

const Palette = lazy(() => import("./Palette"));

/** Rings when somebody asks for it by a button. */
const asked = new EventTarget();
const ASKED = "asked";

/** Whether keys ask for it. It stands over no other dialog. */
function isAsked(event: KeyboardEvent): boolean {
  const chord = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.code === "KeyK";
  return chord && !event.defaultPrevented && !event.isComposing && document.querySelector("[role=dialog], [role=alertdialog]") === null;
}

export function Finder() {
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const show = () => setOpen(true);
    const pressed = (event: KeyboardEvent) => {
      if (!isAsked(event)) return;
      // The browser has another use for it.
      event.preventDefault();
      show();
    };
    window.addEventListener("keydown", pressed);
    asked.addEventListener(ASKED, show);
    return () => {
      window.removeEventListener("keydown", pressed);
      asked.removeEventListener(ASKED, show);
    };
  }, []);
  if (!open) return null;
  return (
    <Suspense fallback={null}>
      <Palette onClose={() => setOpen(false)} />
    </Suspense>
  );
}

/** For who does not know the keys. */
export function FinderButton() {
  const { t } = useTranslation("app");
  return (
    <button
      type="button"
      aria-keyshortcuts="Control+K Meta+K"
      title={`${t("finder.open")} (Ctrl K)`}
      onClick={() => asked.dispatchEvent(new Event(ASKED))}
      className="inline-flex h-9 min-w-9 items-center justify-center gap-2 rounded-md px-2 hover:bg-accent-wash"
    >
      <Search size={17} aria-hidden />
      <span className="sr-only">{t("finder.open")}</span>
      <kbd className="hidden rounded border px-1.5 text-xs text-soft lg:block">Ctrl K</kbd>
    </button>
  );
}
