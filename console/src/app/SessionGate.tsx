// What stands between a person and the console: the session, its end, and the second factor that is asked for on the way.
import { useQueryClient } from "@tanstack/react-query";
import { LogIn } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { attend } from "../api/client";
import { signInAgain } from "../lib/address";
import { useMe } from "../api/queries";
import { Loading, Refused } from "../components/basics";
import { SayWhy } from "./SayWhy";
import { StepUp } from "./StepUp";

export function SessionGate({ children }: { children: ReactNode }) {
  const me = useMe();
  const queries = useQueryClient();
  const [over, setOver] = useState(false);
  const [asking, setAsking] = useState(false);
  const answer = useRef<((proved: boolean) => void) | null>(null);
  const pending = useRef<Promise<boolean> | null>(null);
  // One question after the other, and one for each study however many of its parts are asked for.
  const questions = useRef<{ study: string; promise: Promise<boolean>; resolve: (said: boolean) => void }[]>([]);
  const [why, setWhy] = useState<string | null>(null);
  const { declined, hasDeclined } = useDeclined();

  useEffect(() => {
    attend({
      signedOut() {
        setOver(true);
        // What was on the screen is not kept for who comes next.
        queries.clear();
      },
      prove() {
        if (hasDeclined(FACTOR)) return Promise.resolve(false);
        // Several requests may be refused at once; one question is enough.
        pending.current ??= new Promise<boolean>((resolve) => {
          answer.current = resolve;
          setAsking(true);
        });
        return pending.current;
      },
      explain(study) {
        if (hasDeclined(study)) return Promise.resolve(false);
        const asked = questions.current.find((one) => one.study === study);
        if (asked) return asked.promise;
        let resolve: (said: boolean) => void = () => undefined;
        const promise = new Promise<boolean>((settle) => (resolve = settle));
        questions.current = [...questions.current, { study, promise, resolve }];
        setWhy(questions.current[0]?.study ?? null);
        return promise;
      },
    });
    return () => attend(null);
  }, [queries, hasDeclined]);

  const explained = (said: boolean) => {
    const [present, ...others] = questions.current;
    questions.current = others;
    setWhy(others[0]?.study ?? null);
    if (present && !said) declined(present.study);
    present?.resolve(said);
  };
  const answered = (proved: boolean) => {
    setAsking(false);
    pending.current = null;
    if (!proved) declined(FACTOR);
    answer.current?.(proved);
    answer.current = null;
  };

  if (over) return <SignedOut />;
  return (
    <>
      {me.data ? children : me.isError ? <Outside error={me.error} retry={() => void me.refetch()} /> : <Loading />}
      {asking && <StepUp onAnswer={answered} />}
      {why !== null && !asking && <SayWhy key={why} study={why} onAnswer={explained} />}
    </>
  );
}

// === helpers ===

/** The question for the second factor, beside those for studies. */
const FACTOR = "second-factor";

/** What was answered with no is not asked again before whoever said it does something: what still loads by itself asks for the same once more. */
function useDeclined(): { declined: (question: string) => void; hasDeclined: (question: string) => boolean } {
  const questions = useRef(new Set<string>());
  useEffect(() => {
    const forget = () => questions.current.clear();
    const events = ["pointerdown", "keydown"] as const;
    for (const event of events) window.addEventListener(event, forget, { capture: true });
    return () => {
      for (const event of events) window.removeEventListener(event, forget, { capture: true });
    };
  }, []);
  const declined = useCallback((question: string) => void questions.current.add(question), []);
  const hasDeclined = useCallback((question: string) => questions.current.has(question), []);
  return { declined, hasDeclined };
}

function Outside({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <main className="mx-auto max-w-xl p-6">
      <Refused error={error} retry={retry} />
    </main>
  );
}

function SignedOut() {
  const { t } = useTranslation("app");
  return (
    <main className="grid h-full place-items-center p-6">
      <div className="max-w-sm space-y-3 rounded-xl border bg-surface p-8 text-center shadow-raised">
        <h1>{t("signedOut.title")}</h1>
        <p className="text-soft">{t("signedOut.why")}</p>
        <a
          href={signInAgain(window.location.pathname)}
          className="inline-flex h-9 items-center gap-2 rounded-md bg-accent px-4 font-medium text-accent-ink"
        >
          <LogIn size={16} aria-hidden />
          {t("signedOut.again")}
        </a>
      </div>
    </main>
  );
}
