// The proof of one record: drawn, checked here, and given as files that are checked elsewhere.
import { useQuery } from "@tanstack/react-query";
import { ArrowLeft, BadgeCheck, KeyRound, ShieldAlert, ShieldQuestion } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { request } from "../../../api/client";
import { Button, Loading, Panel, Refused } from "../../../components/basics";
import { fromHex, utf8 } from "../../../lib/bytes";
import { climb, isBroken, isProved, readProof, verify, type Proof } from "../../../lib/tlog";
import { useHead } from "../checkpoint";
import { KeyDialog } from "../KeyDialog";
import { RecordFacts } from "../RecordPanel";
import type { Row } from "../search";
import { useTrusted, type Trusted } from "../trust";
import { Files } from "./Files";
import { WHOLE_MAX } from "./layout";
import { StepList } from "./StepList";
import { firstBroken, stepsOf } from "./steps";
import { tampered, type Tamper } from "./tamper";
import { TreeDrawing } from "./TreeDrawing";
import { TryOut } from "./TryOut";

export function ProofView({ row, typed, onBack }: { row: Row; typed: ReadonlyMap<string, string>; onBack: () => void }) {
  const { t } = useTranslation("audit");
  const text = useQuery({
    queryKey: ["audit", "proof", row.index],
    queryFn: async ({ signal }) => (await request(`/api/v1/audit/proofs/${row.index}`, { signal })).text(),
    staleTime: Infinity,
  });
  const proof = useMemo(() => (text.data === undefined ? undefined : readProof(text.data)), [text.data]);
  return (
    <div className="flex flex-1 flex-col gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Button onClick={onBack}>
          <ArrowLeft size={15} aria-hidden /> {t("proof.back")}
        </Button>
        <h2 ref={focus} tabIndex={-1} className="outline-none">
          {t("proof.title", { index: row.index.toLocaleString() })}
        </h2>
      </div>
      {text.isPending && <Loading />}
      {text.isError && <Refused error={text.error} retry={() => void text.refetch()} />}
      {proof === null && (
        <p role="alert" className="rounded-lg bg-bad-wash p-4 font-medium text-bad">
          {t("proof.unreadable")}
        </p>
      )}
      {proof && text.data !== undefined && <Checked row={row} proof={proof} proofText={text.data} typed={typed} />}
    </div>
  );
}

// === helpers ===

/** Who came by keyboard goes on from here. */
const focus = (heading: HTMLElement | null) => heading?.focus();

function Checked({ row, proof, proofText, typed }: { row: Row; proof: Proof; proofText: string; typed: ReadonlyMap<string, string> }) {
  const { t } = useTranslation("audit");
  const [tamper, setTamper] = useState<Tamper | null>(null);
  const [lit, setLit] = useState<number | null>(null);
  const [unfolded, setUnfolded] = useState(false);
  const trusted = useTrusted(proof.checkpoint.origin);
  const leaf = useMemo(() => utf8(row.spelling), [row.spelling]);
  const changed = useMemo(() => (tamper ? tampered(leaf, proof, tamper) : null), [leaf, proof, tamper]);
  const checked = useQuery({
    queryKey: ["audit", "verified", row.index, row.spelling, proofText, trusted?.key.text ?? null, tamper],
    queryFn: async () => {
      const [ofLeaf, ofProof] = [changed?.leaf ?? leaf, changed?.proof ?? proof];
      const untouched = changed ? await climb(leaf, proof.index, proof.checkpoint.size, proof.path) : null;
      const found = await verify(ofLeaf, ofProof, fromHex(row.leafHash), trusted?.key ?? null);
      // A proof of another leaf than the one that was asked for proves nothing about this one.
      const asked = ofProof.index === row.index;
      return { found: asked ? found : { ...found, pathFits: false }, untouched, ofProof, bytes: ofLeaf.length };
    },
    enabled: trusted !== undefined,
    staleTime: Infinity,
    placeholderData: (before) => before,
  });
  if (!checked.data) return <Loading />;
  const { found, untouched, ofProof, bytes } = checked.data;
  const steps = stepsOf(found, untouched);
  return (
    <div className="grid grid-cols-1 gap-3 xl:grid-cols-[minmax(0,1fr)_28rem]">
      <div className="min-w-0 space-y-3">
        <Verdict steps={steps} found={found} trusted={trusted ?? null} flipped={tamper !== null} />
        <Panel title={t("proof.tree")} actions={<Legend folded={found.climb.levels.length > WHOLE_MAX && !unfolded ? found.climb.levels.length : null} onUnfold={() => setUnfolded(true)} />}>
          <div className="overflow-x-auto p-3" tabIndex={0} role="group" aria-label={t("proof.tree")}>
            <TreeDrawing
              climb={found.climb}
              checkpoint={ofProof.checkpoint}
              index={row.index}
              bytes={bytes}
              rootHolds={found.rootIsSigned}
              untouched={untouched}
              changedSibling={tamper?.part === "sibling" ? tamper.level : null}
              lit={lit}
              unfolded={unfolded}
              onUnfold={() => setUnfolded(true)}
            />
          </div>
        </Panel>
      </div>
      <div className="min-w-0 space-y-3">
        <Panel title={t("steps.title")}>
          <div className="p-2">
            <StepList steps={steps} found={found} proof={ofProof} bytes={bytes} trusted={trusted ?? null} onLight={setLit} />
          </div>
        </Panel>
        <TryOut leaf={leaf} proof={proof} spelling={row.spelling} present={tamper} changed={changed} onChange={setTamper} />
        <Files row={row} proof={proof} proofText={proofText} trusted={trusted ?? null} />
        <Panel title={t("record.title", { index: row.index.toLocaleString() })}>
          <div className="p-4">
            <RecordFacts row={row} typed={typed} />
          </div>
        </Panel>
      </div>
    </div>
  );
}

function Verdict({ steps, found, trusted, flipped }: {
  steps: ReturnType<typeof stepsOf>;
  found: Parameters<typeof isProved>[0];
  trusted: Trusted | null;
  flipped: boolean;
}) {
  const { t } = useTranslation("audit");
  const head = useHead().data;
  const [keys, setKeys] = useState(false);
  const broken = isBroken(found) ? firstBroken(steps) : null;
  const proved = isProved(found);
  const look = broken ? "bg-bad-wash text-bad" : proved ? "bg-good-wash text-good" : "bg-warn-wash text-warn";
  const Icon = broken ? ShieldAlert : proved ? BadgeCheck : ShieldQuestion;
  const said = broken
    ? t("verdict.broken", { step: t(`verdict.step.${broken.id}`, { level: (broken.level ?? 0) + 1 }) })
    : t(proved ? "verdict.proved" : found.signature === "unable" ? "verdict.unable" : "verdict.open");
  return (
    <div role="status" data-verdict={broken ? "broken" : proved ? "proved" : "open"} className={`flex flex-wrap items-center gap-3 rounded-lg p-4 ${look}`}>
      <Icon size={26} className="shrink-0" aria-hidden />
      <div className="min-w-0 flex-1 basis-56">
        {flipped && <p className="text-xs font-semibold">{t("verdict.tryOut")}</p>}
        <p className="text-base font-semibold">{said}</p>
        <p>{broken ? t("verdict.brokenHelp") : t(proved ? (trusted?.source === "compared" ? "verdict.compared" : "verdict.brought") : "verdict.openHelp")}</p>
      </div>
      {!proved && !broken && (
        <Button onClick={() => setKeys(true)} disabled={!head}>
          <KeyRound size={15} aria-hidden /> {t("chain.key")}
        </Button>
      )}
      {keys && head && <KeyDialog head={head} onClose={() => setKeys(false)} />}
    </div>
  );
}

function Legend({ folded, onUnfold }: { folded: number | null; onUnfold: () => void }) {
  const { t } = useTranslation("audit");
  const entries = [["border-good bg-good-wash", "proof.computed"], ["border-warn bg-warn-wash", "proof.given"], ["border-bad bg-bad-wash", "proof.wrong"]];
  return (
    <ul className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-soft">
      {entries.map(([look, name]) => (
        <li key={name} className="flex items-center gap-1.5">
          <span aria-hidden className={`size-3 rounded-sm border ${look}`} />
          {t(name ?? "")}
        </li>
      ))}
      {folded !== null && (
        <li>
          <Button onClick={onUnfold}>{t("proof.unfoldAll", { count: folded })}</Button>
        </li>
      )}
    </ul>
  );
}
