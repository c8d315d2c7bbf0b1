// The small parts of every screen: buttons, badges, panels, and what stands where there is nothing, not yet or not at all.
import { clsx } from "clsx";
import { AlertTriangle, Inbox, LoaderCircle } from "lucide-react";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ProblemError, type ProblemDetails } from "../api/problem";
import { usePreferences } from "../app/preferences";
import { ago, moment } from "../lib/time";
import { useRefusalInChinese } from "./refusals";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent text-accent-ink border-transparent hover:opacity-90",
  plain: "bg-surface text-ink border-line hover:bg-raised",
  quiet: "bg-transparent text-ink border-transparent hover:bg-accent-wash",
  danger: "bg-surface text-bad border-bad hover:bg-bad-wash",
};

export function Button({
  look = "plain",
  busy = false,
  className,
  children,
  disabled,
  onClick,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look; busy?: boolean }) {
  return (
    <button
      type="button"
      disabled={disabled === true}
      // Not disabled: that would take the focus away, and what is said next would be said to nobody.
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      className={clsx(
        "inline-flex h-8 items-center gap-1.5 rounded-md border px-3 font-medium whitespace-nowrap transition-colors disabled:opacity-55 aria-disabled:opacity-55",
        LOOKS[look],
        className,
      )}
      {...rest}
    >
      {busy && <LoaderCircle size={15} className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}

export type Tone = "neutral" | "good" | "warn" | "bad" | "accent";

const TONES: Record<Tone, string> = {
  neutral: "bg-raised text-soft border-line",
  good: "bg-good-wash text-good border-transparent",
  warn: "bg-warn-wash text-warn border-transparent",
  bad: "bg-bad-wash text-bad border-transparent",
  accent: "bg-accent-wash text-accent border-transparent",
};

/** The colour of a figure that says how something stands. */
export const INKS: Record<Tone, string> = { neutral: "text-ink", good: "text-good", warn: "text-warn", bad: "text-bad", accent: "text-accent" };

/** A word in a colour; the word says it all, the colour only finds it. */
export function Badge({ tone = "neutral", icon, children }: { tone?: Tone; icon?: ReactNode; children: ReactNode }) {
  return (
    <span className={clsx("inline-flex items-center gap-1 rounded-full border px-2 py-px text-xs whitespace-nowrap", TONES[tone])}>
      {icon}
      {children}
    </span>
  );
}

export function Panel({
  title,
  actions,
  children,
  className,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={clsx("rounded-lg border bg-surface shadow-raised", className)}>
      {(title !== undefined || actions !== undefined) && (
        <header className="flex min-h-11 flex-wrap items-center justify-between gap-2 border-b px-4 py-2">
          <h2>{title}</h2>
          {actions !== undefined && <div className="flex flex-wrap items-center gap-2">{actions}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** What stands where there is nothing: why, and what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-6 py-14 text-center">
      <Inbox size={30} className="text-soft" aria-hidden />
      <p className="font-medium">{title}</p>
      {children !== undefined && <div className="max-w-md text-soft">{children}</div>}
    </div>
  );
}

/** What the server said instead of an answer, with what helps. */
export function Refused({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation("app");
  const { language } = usePreferences();
  const problem = error instanceof ProblemError ? error : null;
  const known = problem !== null && problem.kind !== "";
  const title = known
    ? language === "zh-CN"
      ? (problem.details.title_zh ?? problem.details.title)
      : problem.details.title
    : t("refused.unreachable");
  const chinese = useRefusalInChinese(known && language === "zh-CN" ? problem : null);
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-transparent bg-warn-wash p-4 text-warn">
      <AlertTriangle size={18} className="mt-0.5 shrink-0" aria-hidden />
      <div className="min-w-0 space-y-1">
        <p className="font-semibold">{title ?? t("refused.unreachable")}</p>
        {chinese && (
          <>
            <p>
              {t("refused.expected")} {chinese[0]}
            </p>
            <p>
              {t("refused.remedy")} {chinese[1]}
            </p>
          </>
        )}
        {problem && <ServerWords of={problem.details} beside={chinese !== null} />}
        {!known && <p>{t("refused.unreachableHelp")}</p>}
        {retry && (
          <Button className="mt-1" onClick={retry}>
            {t("refused.again")}
          </Button>
        )}
      </div>
    </div>
  );
}

/** Something is on its way. In a grid only rows have roles; there the grid says that it is busy. */
export function Loading({ inGrid = false }: { inGrid?: boolean }) {
  const { t } = useTranslation("app");
  return (
    <p role={inGrid ? undefined : "status"} className="flex items-center justify-center gap-2 px-6 py-14 text-soft">
      <LoaderCircle size={18} className="animate-spin" aria-hidden />
      {t("loading")}
    </p>
  );
}

/** Left out in a table on a telephone: the year and the seconds. */
const LONG = "max-sm:in-[[role=gridcell]]:hidden";

/** A moment: how long ago, and exactly when. */
export function When({ ms, exact = false }: { ms: number; exact?: boolean }) {
  const { language } = usePreferences();
  const text = moment(ms);
  return (
    <time dateTime={new Date(ms).toISOString()} title={text} className="whitespace-nowrap">
      {exact ? (
        <>
          <span className={LONG}>{text.slice(0, 5)}</span>
          {text.slice(5, 16)}
          <span className={LONG}>{text.slice(16)}</span>
        </>
      ) : (
        ago(ms, Date.now(), language)
      )}
    </time>
  );
}

/** Pairs of a name and a value. */
export function Facts({ of }: { of: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1.5">
      {of.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="min-w-0 break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

// === helpers ===

/** What the server said itself: all of it, and smaller where the console said the same before. */
function ServerWords({ of, beside }: { of: ProblemDetails; beside: boolean }) {
  const { t } = useTranslation("app");
  const said: [string, string | undefined][] = [
    [t("refused.expected"), of.expected],
    [t("refused.came"), of.came],
    [t("refused.at"), of.pointer],
    [t("refused.remedy"), of.do],
  ];
  const present = said.filter((one): one is [string, string] => one[1] !== undefined);
  if (present.length === 0) return null;
  return (
    <div className={beside ? "pt-1 text-xs opacity-90" : "space-y-1"}>
      {beside && <p>{t("refused.original")}</p>}
      {present.map(([name, words]) => (
        <p key={name} className="break-words" lang={beside ? "en" : undefined}>
          {name} {words}
        </p>
      ))}
    </div>
  );
}
