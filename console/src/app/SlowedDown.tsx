// Said at the edge of the page while what was asked for waits because the server wants a pause; nobody has to wait for it.
import { Hourglass } from "lucide-react";
import { useEffect, useState, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { onWaits, waits } from "../api/patience";
import { Button } from "../components/basics";
import { useNow } from "../components/Countdown";
import { addTexts } from "../i18n";
import en from "./slowed-down.en.json";
import zh from "./slowed-down.zh-CN.json";

addTexts("slowedDown", { "zh-CN": zh, en });

/** What is over sooner is not worth a word. */
const MOMENT_MS = 1500;

export function SlowedDown() {
  const waiting = useSyncExternalStore(onWaits, waits);
  const until_ms = Math.max(0, ...waiting.map((one) => one.until_ms));
  const [shown, setShown] = useState(false);
  const is = waiting.length > 0;
  useEffect(() => {
    // One wait after the other is one long wait.
    const timer = setTimeout(() => setShown(is), is ? MOMENT_MS : 200);
    return () => clearTimeout(timer);
  }, [is]);
  if (!is || !shown) return null;
  return <Told until_ms={until_ms} onStop={() => waits().forEach((one) => one.stop())} />;
}

// === helpers ===

function Told({ until_ms, onStop }: { until_ms: number; onStop: () => void }) {
  const { t } = useTranslation("slowedDown");
  const now = useNow(until_ms);
  const seconds = Math.max(0, Math.ceil((until_ms - now) / 1000));
  return (
    <div role="status" className="fixed inset-x-3 bottom-3 z-40 mx-auto flex max-w-lg flex-wrap items-center gap-x-3 gap-y-2 rounded-lg border border-accent bg-surface px-4 py-2.5 shadow-raised">
      <Hourglass size={16} className="shrink-0 text-accent" aria-hidden />
      <p className="min-w-0 flex-1">
        {t("why")} <span aria-hidden>{t("left", { count: seconds })}</span>
      </p>
      <Button onClick={onStop}>{t("stop")}</Button>
    </div>
  );
}
