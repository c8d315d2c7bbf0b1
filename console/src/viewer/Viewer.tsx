// The viewer: one study, opened by its address. What cannot be opened says why.
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, EyeOff } from "lucide-react";
import { lazy, startTransition, Suspense, useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { useMe } from "../api/queries";
import { applyPreferences } from "../app/preferences";
import { Loading, Refused } from "../components/basics";
import { addTexts } from "../i18n";
import { TAGS, text } from "../lib/dicom";
import en from "./en.json";
import { caseOf, caseQuery } from "./headings";
import type { Case } from "./protocols";
import { workspace } from "./load";
import { Opening } from "./opening/Opening";
import { studyQuery, type Study } from "./study";
import "./viewer.css";
import zh from "./zh-CN.json";

addTexts("viewer", { "zh-CN": zh, en });

/** With the library that draws, which is as large as the rest of the console together. */
const Workspace = lazy(workspace);

export default function Viewer() {
  const { t, i18n } = useTranslation("viewer");
  const { study: uid = "" } = useParams();
  const me = useMe().data;
  const study = useQuery(studyQuery(uid));
  const seen = useQuery(caseQuery(study.data ?? null));
  useDarkness();
  usePrintRefused(t("notPrinted"));
  const name = study.data ? text(study.data.about, TAGS.patientName) : "";
  useEffect(() => {
    const before = document.title;
    document.title = t("title");
    return () => {
      document.title = before;
    };
  }, [t, i18n.language]);

  if (study.isPending) return <Around name=""><Loading /></Around>;
  if (study.isError && study.data === undefined) {
    return (
      <Around name="">
        <div className="mx-auto max-w-xl p-6">
          <Refused error={study.error} retry={() => void study.refetch()} />
        </div>
      </Around>
    );
  }
  if (study.data !== null && seen.isPending) return <Around name=""><Loading /></Around>;
  if (study.data === null || me?.actions.includes("view") !== true) return <Around name=""><Instead what="unseen" /></Around>;
  if (study.data.series.length + study.data.documents.length === 0) return <Around name={name}><Instead what="noPictures" /></Around>;
  return <Opened key={uid} study={study.data} seen={seen.data ?? caseOf(study.data, [])} person={me.name} />;
}

// === helpers ===

/** Its first pictures before everything else: the library takes the processor for itself while it starts. */
function Opened(props: { study: Study; seen: Case; person: string }) {
  const [begun, setBegun] = useState(false);
  const opening = <Opening {...props} onDone={() => startTransition(() => setBegun(true))} />;
  return <Suspense fallback={opening}>{begun ? <Workspace {...props} /> : opening}</Suspense>;
}

function Around({ name, children }: { name: string; children: ReactNode }) {
  const { t } = useTranslation("viewer");
  return (
    <div className="flex h-full flex-col bg-ground">
      <header className="flex h-12 items-center gap-3 border-b bg-surface px-3">
        <Link to="/studies" aria-label={t("back")} title={t("back")} className="grid size-8 place-items-center rounded-md hover:bg-accent-wash">
          <ArrowLeft size={18} aria-hidden />
        </Link>
        <h1 className="text-base font-semibold">{name || t("title")}</h1>
      </header>
      <main className="min-h-0 flex-1 overflow-auto">{children}</main>
    </div>
  );
}

function Instead({ what }: { what: "unseen" | "noPictures" }) {
  const { t } = useTranslation("viewer");
  return (
    <div className="mx-auto flex max-w-lg flex-col items-center gap-3 px-6 py-20 text-center">
      <EyeOff size={34} className="text-soft" aria-hidden />
      <h2 className="text-lg">{t(`${what}.title`)}</h2>
      <p className="text-soft">{t(`${what}.help`)}</p>
      <Link to="/studies" className="mt-2 inline-flex h-9 items-center rounded-md bg-accent px-4 font-medium text-accent-ink">
        {t("back")}
      </Link>
    </div>
  );
}

/** Pictures are read in the dark, whatever the rest of the console looks like. */
function useDarkness(): void {
  useEffect(() => {
    const root = document.documentElement;
    const keep = () => {
      if (root.dataset["theme"] !== "dark") root.dataset["theme"] = "dark";
    };
    keep();
    const observer = new MutationObserver(keep);
    observer.observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      observer.disconnect();
      applyPreferences();
    };
  }, []);
}

function usePrintRefused(words: string): void {
  useEffect(() => {
    document.body.dataset["notPrinted"] = words;
    return () => {
      delete document.body.dataset["notPrinted"];
    };
  }, [words]);
}
