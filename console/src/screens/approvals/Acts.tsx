// The buttons that who is signed in may press in a case; each says in a dialog what will happen.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/basics";
import { ActionDialog } from "../../components/ActionDialog";
import { CopyAs } from "../../components/CopyAs";
import { TextArea, TextField } from "../../components/forms";
import type { Act, Case } from "./cases";
import { doingOf } from "./doing";
import { ReviewForm } from "./ReviewForm";
import { carryOut } from "./rows";

/** Minutes of a suspension: what the server takes when nothing is said, and at most. */
const SUSPENSION = { usual: 240, most: 1440 };

export function Acts({ of, onDone }: { of: Case; onDone: () => void }) {
  const { t } = useTranslation("approvals");
  const [asked, setAsked] = useState<Act | null>(null);
  const withOpinion = of.acts.includes("review") && of.kind !== "suspension";
  const buttons = of.acts.filter((act) => !(act === "review" && withOpinion));
  return (
    <div className="space-y-3">
      {of.own && <p className="rounded-md bg-warn-wash px-3 py-2 text-warn">{t(`own.${of.kind}`)}</p>}
      {withOpinion && <ReviewForm key={of.key} of={of} onDone={onDone} />}
      {buttons.length > 0 && (
        <div className="flex flex-wrap gap-2">
          {buttons.map((act) => (
            <Button key={act} look={lookOf(of, act)} onClick={() => setAsked(act)}>
              {t(wordOf(of, act))}
            </Button>
          ))}
        </div>
      )}
      {asked !== null && (
        <Asked
          of={of}
          act={asked}
          onClose={(done) => {
            setAsked(null);
            if (done) onDone();
          }}
        />
      )}
    </div>
  );
}

// === helpers ===

function Asked({ of, act, onClose }: { of: Case; act: Act; onClose: (done: boolean) => void }) {
  const { t } = useTranslation("approvals");
  const [words, setWords] = useState("");
  const [minutes, setMinutes] = useState(String(SUSPENSION.usual));
  const irreversible = of.kind === "destruction" && act === "approve";
  const doing = doingOf(of, act, { verdict: "justified", words, minutes: Number(minutes) });
  if (!doing) return null;
  return (
    <ActionDialog
      action={{
        title: t(wordOf(of, act)),
        button: t(wordOf(of, act)),
        danger: lookOf(of, act) === "danger",
        consequences: [
          t(`will.${of.kind}.${act}`, { name: nameOf(of) }),
          ...(of.kind === "destruction" ? [t("amount", { studies: of.row.studies, instances: of.row.instances })] : []),
        ],
        // What is destroyed is named once more, so that nobody destroys another.
        ...(irreversible ? { typed: of.id.slice(0, 6) } : {}),
        changes: [],
        perform: () => carryOut(doing),
        aside: <CopyAs cli={doing.cli} />,
      }}
      onClose={() => onClose(false)}
      onDone={() => onClose(true)}
    >
      {act === "suspend" && (
        <>
          <TextField
            label={t("minutes")}
            type="number"
            min={1}
            max={SUSPENSION.most}
            required
            value={minutes}
            onChange={(event) => setMinutes(event.target.value)}
          />
          <TextArea label={t("why")} required maxLength={500} value={words} onChange={(event) => setWords(event.target.value)} />
        </>
      )}
    </ActionDialog>
  );
}

/** What the server calls a withdrawal is a refusal where somebody else asked. */
function wordOf(of: Case, act: Act): string {
  if (of.kind === "destruction" && act === "approve") return "acts.approveDestruction";
  if (act === "withdraw" && of.waits) return "acts.refuse";
  return of.kind === "policy" && act === "end" ? "acts.endSuspension" : `acts.${act}`;
}

function lookOf(of: Case, act: Act): "primary" | "plain" | "danger" {
  if (act === "suspend" || (of.kind === "destruction" && act === "approve")) return "danger";
  return act === "approve" || act === "activate" || act === "review" || act === "end" ? "primary" : "plain";
}

function nameOf(of: Case): string {
  return of.kind === "policy" ? `v${of.row.version}` : of.kind === "maintenance" ? of.row.name : of.asker;
}
