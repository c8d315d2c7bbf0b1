// Covers all of the page, small pictures and names, too, while its window is not in use: whoever stands behind the chair sees nothing, and what cuts out a part
// of the screen cuts out this.
import { EyeOff } from "lucide-react";
import { useEffect, useState } from "react";
import { createPortal, flushSync } from "react-dom";
import { useTranslation } from "react-i18next";

export function Shield({ on }: { on: boolean }) {
  const { t } = useTranslation("copies");
  const [away, setAway] = useState(() => document.hidden || !document.hasFocus());
  useEffect(() => {
    // At once: the picture that a program takes of the window is taken within a frame or two.
    const set = (next: boolean) => flushSync(() => setAway(next));
    const leave = () => set(true);
    const come = () => set(false);
    const turn = () => set(document.hidden || !document.hasFocus());
    const touch = () => {
      if (document.hasFocus()) set(false);
    };
    window.addEventListener("blur", leave);
    window.addEventListener("focus", come);
    window.addEventListener("pointerdown", touch);
    document.addEventListener("visibilitychange", turn);
    return () => {
      window.removeEventListener("blur", leave);
      window.removeEventListener("focus", come);
      window.removeEventListener("pointerdown", touch);
      document.removeEventListener("visibilitychange", turn);
    };
  }, []);
  if (!on || !away) return null;
  return createPortal(
    <div data-testid="shield" role="status" className="fixed inset-0 z-[100] grid place-items-center bg-ground p-6 text-center text-ink">
      <div className="flex max-w-md flex-col items-center gap-3">
        <EyeOff size={40} className="text-soft" aria-hidden />
        <p className="text-lg font-semibold">{t("shield.title")}</p>
        <p className="text-soft">{t("shield.help")}</p>
      </div>
    </div>,
    document.body,
  );
}
