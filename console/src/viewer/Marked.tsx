// An element with the mark over it.
import { createContext, useContext, useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { guard, type Guard } from "./watermark";

/** What the mark says, and who is told when somebody took it away. */
export const Mark = createContext<{ text: string; removed: () => void }>({ text: "", removed: () => undefined });

export function Marked({ className, children, ...rest }: { className: string; children: ReactNode; "data-testid"?: string }) {
  const { t } = useTranslation("viewer");
  const { text, removed } = useContext(Mark);
  const host = useRef<HTMLDivElement>(null);
  const kept = useRef<Guard | null>(null);
  const [hidden, setHidden] = useState(false);
  const first = useRef({ text, removed });
  first.current.removed = removed;
  useEffect(() => {
    if (!host.current) return;
    kept.current = guard(host.current, first.current.text, () => first.current.removed(), setHidden);
    return () => kept.current?.end();
  }, []);
  useEffect(() => kept.current?.say(text), [text]);
  return (
    <div ref={host} className={`relative ${className}`} {...rest}>
      <div className={`size-full ${hidden ? "opacity-0" : ""}`}>{children}</div>
      {hidden && (
        <p role="alert" className="absolute inset-0 z-30 grid place-items-center bg-black p-4 text-center text-white">
          {t("mark.hidden")}
        </p>
      )}
    </div>
  );
}
