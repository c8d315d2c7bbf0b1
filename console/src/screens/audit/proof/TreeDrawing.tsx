// The path from a leaf to the signed root, drawn: green what was computed here, amber what came with the proof, red what does not hold.
import { clsx } from "clsx";
import { useTranslation } from "react-i18next";
import { hex, same } from "../../../lib/bytes";
import type { Checkpoint } from "../../../lib/note";
import type { Climb, Span } from "../../../lib/tlog";
import { CARD, layout, NODE, type Place } from "./layout";

type Look = "computed" | "given" | "wrong";

const BOX: Record<Look, string> = {
  computed: "fill-good-wash stroke-good",
  given: "fill-warn-wash stroke-warn",
  wrong: "fill-bad-wash stroke-bad",
};
const INK: Record<Look, string> = { computed: "fill-good", given: "fill-warn", wrong: "fill-bad" };
const LINE: Record<Look, string> = { computed: "stroke-good", given: "stroke-warn", wrong: "stroke-bad" };

interface Given {
  climb: Climb;
  checkpoint: Checkpoint;
  index: number;
  bytes: number;
  rootHolds: boolean;
  /** How it came out before somebody flipped a bit. */
  untouched: Climb | null;
  /** The sibling that was changed. */
  changedSibling: number | null;
  lit: number | null;
  unfolded: boolean;
  onUnfold: () => void;
}

export function TreeDrawing({ climb, checkpoint, index, bytes, rootHolds, untouched, changedSibling, lit, unfolded, onUnfold }: Given) {
  const { t } = useTranslation("audit");
  const drawn = layout(climb, unfolded);
  const depth = climb.levels.length;
  const lookOf = (level: number): Look => {
    const now = level < depth ? climb.levels[level]?.node : climb.root;
    const before = level < depth ? untouched?.levels[level]?.node : untouched?.root;
    return now && before && !same(now, before) ? "wrong" : "computed";
  };
  const rootLook: Look = rootHolds ? lookOf(depth) : "wrong";
  const [left, top] = [Math.min(drawn.left, -150) - 16, -132];
  const [width, height] = [Math.max(drawn.right, 150) + 16 - left, drawn.bottom + 104 - top];
  return (
    <svg
      role="img"
      aria-label={t("proof.drawing", { index, count: checkpoint.size, steps: depth, result: t(rootHolds ? "proof.drawingHolds" : "proof.drawingBroken") })}
      viewBox={`${left} ${top} ${width} ${height}`}
      className="mx-auto h-auto max-w-full text-[12px]"
      style={{ width, minWidth: Math.min(width, 440) }}
    >
      <g strokeWidth={2} fill="none">
        {drawn.levels.map(({ level, node, sibling, parent }) => (
          <g key={level}>
            <path d={curve(parent, sibling)} className={clsx(level === changedSibling ? LINE.wrong : LINE.given, "opacity-70")} strokeWidth={1.5} />
            <path d={curve(parent, node)} className={LINE[lookOf(level)]} strokeWidth={lit === level ? 5 : 3} />
          </g>
        ))}
        {drawn.fold && <path d={`M${drawn.fold.from.x} ${drawn.fold.from.y + NODE.height / 2}V${drawn.fold.to.y}`} className={LINE[lookOf(3)]} strokeWidth={3} strokeDasharray="3 7" />}
        <path d={`M0 ${-82 + 20}V${-NODE.height / 2}`} className={LINE[rootHolds ? "computed" : "wrong"]} strokeDasharray="5 4" />
        <path d={`M${drawn.leaf.x} ${drawn.bottom}v26`} className={LINE[lookOf(0)]} strokeWidth={3} />
      </g>
      <Head checkpoint={checkpoint} holds={rootHolds} />
      <Node at={drawn.root} look={rootLook} hash={climb.root} span={[0, checkpoint.size]} lit={lit === depth} title={t("proof.root")} />
      {drawn.levels.map(({ level, node, sibling }) => {
        const of = climb.levels[level];
        if (!of) return null;
        const look = level === changedSibling ? "wrong" : "given";
        return (
          <g key={level}>
            <Subtree at={sibling} span={of.siblingLeaves} look={look} />
            <Node at={sibling} look={look} hash={of.sibling} span={of.siblingLeaves} lit={lit === level} title={t("proof.given")} />
            <Node at={node} look={lookOf(level)} hash={of.node} span={of.nodeLeaves} lit={lit === level} title={t("proof.computed")} />
          </g>
        );
      })}
      {drawn.fold && <Fold at={{ x: drawn.fold.to.x, y: drawn.fold.to.y }} count={drawn.fold.count} onUnfold={onUnfold} />}
      <g transform={`translate(${drawn.leaf.x} ${drawn.bottom + 52})`}>
        <rect x={-CARD.width / 2} y={-CARD.height / 2} width={CARD.width} height={CARD.height} rx={10} className={clsx(BOX[lookOf(0)], "stroke-2")} />
        <text textAnchor="middle" y={-5} className={clsx(INK[lookOf(0)], "text-[13px] font-semibold")}>
          {t("record.title", { index: index.toLocaleString() })}
        </text>
        <text textAnchor="middle" y={14} className="fill-soft text-[11px]">
          {t("proof.hashed", { count: bytes })}
        </text>
      </g>
    </svg>
  );
}

// === helpers ===

function Node({ at, look, hash, span, lit, title }: { at: Place; look: Look; hash: Uint8Array; span: Span; lit: boolean; title: string }) {
  const { t } = useTranslation("audit");
  return (
    <g transform={`translate(${at.x} ${at.y})`}>
      <title>{`${title}\n${hex(hash)}\n${t("proof.covers", { span: spanText(span) })}`}</title>
      <rect
        x={-NODE.width / 2}
        y={-NODE.height / 2}
        width={NODE.width}
        height={NODE.height}
        rx={9}
        className={clsx(BOX[look], lit ? "stroke-[3.5px]" : "stroke-[1.5px]")}
      />
      <text textAnchor="middle" y={-3} className={clsx(INK[look], "font-mono font-semibold")}>
        {hex(hash).slice(0, 12)}
      </text>
      <text textAnchor="middle" y={13} className={clsx(INK[look], "text-[10.5px]")}>
        {spanText(span)}
      </text>
    </g>
  );
}

/** That there is a tree below a sibling, which nobody needs to see. */
function Subtree({ at, span, look }: { at: Place; span: Span; look: Look }) {
  if (span[1] - span[0] < 2) return null;
  const y = at.y + NODE.height / 2;
  return <path d={`M${at.x} ${y}l-22 15h44z`} className={clsx(BOX[look], "opacity-70")} strokeLinejoin="round" />;
}

/** The signed checkpoint above the root. */
function Head({ checkpoint, holds }: { checkpoint: Checkpoint; holds: boolean }) {
  const { t } = useTranslation("audit");
  const look: Look = holds ? "computed" : "wrong";
  return (
    <g>
      <rect x={-140} y={-116} width={280} height={50} rx={25} className={clsx(BOX[look], "stroke-2")} />
      <text textAnchor="middle" y={-95} className={clsx(INK[look], "text-[13px] font-semibold")}>
        {t("proof.head", { size: checkpoint.size.toLocaleString() })}
      </text>
      <text textAnchor="middle" y={-78} className="fill-soft font-mono text-[11px]">
        {hex(checkpoint.root).slice(0, 12)}…
      </text>
      <circle cy={-44} r={12} className={clsx(BOX[look], "stroke-2")} />
      <text textAnchor="middle" y={-39} className={clsx(INK[look], "text-[15px] font-bold")}>
        {holds ? "=" : "≠"}
      </text>
    </g>
  );
}

function Fold({ at, count, onUnfold }: { at: Place; count: number; onUnfold: () => void }) {
  const { t } = useTranslation("audit");
  return (
    <g transform={`translate(${at.x} ${at.y})`} className="cursor-pointer" onClick={onUnfold}>
      <title>{t("proof.unfold")}</title>
      <rect x={-80} y={-15} width={160} height={30} rx={15} className="fill-surface stroke-line stroke-2" />
      <text textAnchor="middle" y={4.5} className="fill-soft">
        {t("proof.fold", { count })}
      </text>
    </g>
  );
}

function curve(from: Place, to: Place): string {
  const [start, end] = [from.y + NODE.height / 2, to.y - NODE.height / 2];
  const middle = (start + end) / 2;
  return `M${from.x} ${start}C${from.x} ${middle} ${to.x} ${middle} ${to.x} ${end}`;
}

/** Long numbers stand without marks between their digits, to fit. */
function spanText([from, to]: Span): string {
  const short = to <= 1_000_000;
  const say = (index: number) => (short ? `#${index.toLocaleString()}` : String(index));
  return to - from <= 1 ? say(from) : `${say(from)} – ${say(to - 1)}`;
}
