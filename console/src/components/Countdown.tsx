// A time until which something lasts or is due, and how long that is, as it passes.
import { Clock } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { usePreferences } from "../app/preferences";
import { span, tick, urgency } from "../lib/countdown";
import { moment } from "../lib/time";
import { Badge, type Tone } from "./basics";

const TONES: Record<ReturnType<typeof urgency>, Tone> = { over: "bad", near: "warn", far: "neutral" };

/** The time now, as often as the words of what is `until` change. It asks nobody for anything. */
export function useNow(until_ms: number): number {
  const [now, setNow] = useState(Date.now);
  const every = tick(until_ms - now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** How long until then; what is over says so. */
export function Countdown({ from_ms, until_ms, due = false }: { from_ms: number; until_ms: number; due?: boolean }) {
  const { t } = useTranslation("app");
  const { language } = usePreferences();
  const now = useNow(until_ms);
  const left = span(until_ms - now, language);
  const state = urgency(from_ms, until_ms, now);
  const word = state === "over" ? (due ? "overdue" : "over") : due ? "due" : "left";
  return (
    <Badge tone={!due && state === "over" ? "neutral" : TONES[state]} icon={<Clock size={12} aria-hidden />}>
      <time dateTime={new Date(until_ms).toISOString()} title={moment(until_ms)}>
        {t(`countdown.${word}`, { left })}
      </time>
    </Badge>
  );
}
