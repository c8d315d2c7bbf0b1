// What was measured in a slice, over its picture.
import { useTranslation } from "react-i18next";
import { outlineOf, wordsOf, type Measure, type Spacing } from "./measures";
import { toPane, type Camera, type Frame, type Lie, type Size } from "./view";

/** Between a measure and its words, and between their lines, in pixels. */
const APART = 8;
const LINE = 17;

/** Room that words need beside a measure, in pixels. */
const ROOM = 150;

interface Props {
  measures: readonly Measure[];
  frame: Frame;
  size: Size;
  camera: Camera;
  lie: Lie;
  spacing: Spacing | null;
}

export function Drawings({ measures, frame, size, camera, lie, spacing }: Props) {
  const { t } = useTranslation("rendered");
  const { t: of } = useTranslation("viewer");
  const words = {
    mean: of("measure.mean"),
    deviation: of("measure.deviation"),
    range: of("measure.range"),
    area: of("measure.area"),
    detector: t("detector"),
    asked: t("asked"),
    small: t("small"),
    often: t("often"),
    failed: t("failed"),
  };
  if (measures.length === 0 || size.width === 0) return null;
  return (
    <svg className="viewer-lines" data-testid="measures">
      {measures.map((measure, index) => {
        const line = outlineOf(measure, frame).map((point) => toPane(point, frame, size, camera, lie));
        const right = Math.max(...line.map(([x]) => x));
        const x = Math.max(0, Math.min(right + APART, size.width - ROOM));
        const y = line.find(([at]) => at === right)?.[1] ?? 0;
        return (
          <g key={index} data-measure={measure.kind}>
            <polyline points={line.map((point) => point.join(",")).join(" ")} className="viewer-line" fill="none" />
            {wordsOf(measure, frame, spacing, words).map((text, row) => (
              <text key={row} x={x} y={y + row * LINE} className="rendered-words">
                {text}
              </text>
            ))}
          </g>
        );
      })}
    </svg>
  );
}
