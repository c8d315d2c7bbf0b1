// The day so far: what was opened, and what was refused, in stretches of a few minutes.
import { useTranslation } from "react-i18next";
import { count } from "../../lib/amounts";
import { useNarrow } from "../../lib/narrow";
import { area, curve, sum, top, type Today } from "./parts";

const MS_PER_DAY = 86_400_000;
/** Letters keep their size: a narrow window has a narrower drawing and fewer of them. */
const WIDE = { width: 960, height: 180, hours: [0, 3, 6, 9, 12, 15, 18, 21, 24] };
const SLIM = { width: 300, height: 140, hours: [0, 6, 12, 18, 24] };

export function DayCurve({ of }: { of: Today }) {
  const { t } = useTranslation("overview");
  const { width, height, hours } = useNarrow() ? SLIM : WIDE;
  const slots = Math.round(MS_PER_DAY / of.stretch_ms);
  const most = top(Math.max(0, ...of.accesses, ...of.refusals));
  const [opened, refused] = [sum(of.accesses), sum(of.refusals)];
  return (
    <figure className="p-4">
      <figcaption className="mb-3 flex flex-wrap gap-x-5 gap-y-1">
        <span className="flex items-center gap-2">
          <span aria-hidden className="h-0.5 w-4 rounded bg-accent" />
          {t("opened")} <b>{count(opened)}</b>
        </span>
        <span className="flex items-center gap-2">
          <span aria-hidden className="h-0.5 w-4 rounded bg-bad" />
          {t("refused")} <b>{count(refused)}</b>
        </span>
        <span className="text-soft">{t("per", { minutes: of.stretch_ms / 60_000 })}</span>
      </figcaption>
      <svg
        viewBox={`-34 -8 ${width + 56} ${height + 34}`}
        role="img"
        aria-label={t("curve", { opened: count(opened), refused: count(refused) })}
        className="w-full text-soft"
      >
        {[0, 0.5, 1].map((part) => (
          <g key={part}>
            <line x1={0} x2={width} y1={height * (1 - part)} y2={height * (1 - part)} className="stroke-line" />
            <text x={-6} y={height * (1 - part) + 4} textAnchor="end" className="fill-current text-[11px]">
              {Math.round(most * part)}
            </text>
          </g>
        ))}
        {hours.map((hour) => (
          <text key={hour} x={(hour / 24) * width} y={height + 20} textAnchor="middle" className="fill-current text-[11px]">
            {String(hour).padStart(2, "0")}:00
          </text>
        ))}
        <path d={area(of.accesses, most, slots, width, height)} className="fill-accent opacity-12" />
        <path d={curve(of.accesses, most, slots, width, height)} className="fill-none stroke-accent stroke-[1.75]" />
        <path d={area(of.refusals, most, slots, width, height)} className="fill-bad opacity-20" />
        <path d={curve(of.refusals, most, slots, width, height)} className="fill-none stroke-bad stroke-[1.75]" />
      </svg>
    </figure>
  );
}
