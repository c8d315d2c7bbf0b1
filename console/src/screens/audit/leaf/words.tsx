// What a leaf says, in words of both languages. A word that is not known here stands as the log has it.
import { Bot, Check, Cpu, MonitorSmartphone, UserRound, X, type LucideIcon } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Badge, type Tone } from "../../../components/basics";
import { addTexts } from "../../../i18n";
import en from "./en.json";
import zh from "./zh-CN.json";

addTexts("leaf", { "zh-CN": zh, en });

/** A leaf as the log has it (docs: audit, "Reading a leaf"). */
export interface Leaf {
  version: number;
  sequence: number;
  time_ms: number;
  monotonic_ns: number;
  boot: string;
  node: string;
  kind: string;
  outcome: string;
  institution: string;
  actor: string;
  actor_kind: string;
  role?: string;
  purpose?: string;
  action?: string;
  patient?: string;
  study?: string;
  instance?: string;
  policy_set?: string;
  reason: string;
  counts?: Record<string, number>;
  /** Of the copy that left, where the record is of one. */
  content_sha256?: string;
  detail_sha256?: string;
}

type Group = "kind" | "outcome" | "actorKind" | "role" | "purpose" | "action" | "count" | "reason" | "why";

/** A file was made of a list of the console, whose name comes behind. */
const FILE_OF = "file-of-";

export function useWord(): (group: Group, word: string | null | undefined) => string {
  const { t, i18n } = useTranslation("leaf");
  return (group, word) => {
    if (word === null || word === undefined) return "";
    if (group === "reason" && word.startsWith(FILE_OF)) return t("fileOf", { list: t(`list.${word.slice(FILE_OF.length)}`, word.slice(FILE_OF.length)) });
    const key = `${group}.${word}`;
    return i18n.exists(key, { ns: "leaf" }) ? t(key) : word;
  };
}

const TONES: Record<string, Tone> = { permitted: "good", refused: "bad", failed: "bad", succeeded: "neutral" };

export function Outcome({ of }: { of: string }) {
  const word = useWord();
  const Icon = of === "refused" || of === "failed" ? X : Check;
  return (
    <Badge tone={TONES[of] ?? "neutral"} icon={<Icon size={12} aria-hidden />}>
      {word("outcome", of)}
    </Badge>
  );
}

const ICONS: Record<string, LucideIcon> = { person: UserRound, device: MonitorSmartphone, service: Bot, system: Cpu };

export function Actor({ name, kind, role }: { name: string; kind: string; role: string | null | undefined }) {
  const word = useWord();
  const Icon = ICONS[kind] ?? UserRound;
  const what = role ? word("role", role) : word("actorKind", kind);
  return (
    <span className="inline-flex max-w-full items-center gap-2" title={`${name} · ${what}`}>
      <Icon size={15} className="shrink-0 text-soft" aria-label={word("actorKind", kind)} />
      <span className="truncate">
        <span className="font-medium">{name}</span> <span className="text-soft">{what}</span>
      </span>
    </span>
  );
}

/** The pseudonym of a patient or study: enough of it to tell it from others, and all of it on hover. */
export function Pseudonym({ of }: { of: string | null | undefined }) {
  if (!of) return null;
  return (
    <span className="font-mono text-xs" title={of}>
      {of.slice(0, 8)}
    </span>
  );
}

/** Kind and action in one phrase. */
export function useDeed(): (of: { kind?: string; action?: string | null | undefined }) => string {
  const word = useWord();
  return ({ kind, action }) => [word("kind", kind), word("action", action)].filter((text) => text !== "").join(" · ");
}
