// A week by hours: how much was opened, and where something was refused. Each cell leads to its records.
import { clsx } from "clsx";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useMe } from "../../api/queries";
import { usePreferences } from "../../app/preferences";
import { count } from "../../lib/amounts";
import { shade, type Day } from "./parts";

const MS_PER_HOUR = 3_600_000;
const SHADES = ["bg-raised", "bg-accent/20", "bg-accent/40", "bg-accent/65", "bg-accent"];

export function HeatMap({ days }: { days: readonly Day[] }) {
  const { t } = useTranslation("overview");
  const { language } = usePreferences();
  const reads = useMe().data?.actions.includes("read-audit") === true;
  const most = Math.max(0, ...days.flatMap((day) => day.accesses));
  // A day of the institution, whose zone may be another than that of the browser.
  const weekday = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });
  const name = (day: Day) => `${weekday.format(new Date(`${day.date}T00:00:00Z`))} ${day.date.slice(5)}`;
  return (
    <div className="overflow-x-auto p-4" tabIndex={0} role="region" aria-label={t("week")}>
      <table className="w-full min-w-190 border-separate border-spacing-0.5">
        <caption className="sr-only">{t("heat")}</caption>
        <thead>
          <tr className="text-xs text-soft">
            <td />
            {Array.from({ length: 24 }, (_, hour) => (
              <th key={hour} scope="col" className="font-normal">
                {hour % 3 === 0 ? hour : <span className="sr-only">{hour}</span>}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {days.map((day) => (
            <tr key={day.date}>
              <th scope="row" className="pr-2 text-left text-xs font-normal whitespace-nowrap text-soft">
                {name(day)}
              </th>
              {day.accesses.map((opened, hour) => {
                const refused = day.refusals[hour] ?? 0;
                const words = t("cell", { hour, opened, refused });
                const look = clsx(
                  "relative block h-6 min-w-6 rounded-[3px]",
                  SHADES[shade(opened, most)],
                  refused > 0 && "shadow-[inset_0_0_0_2px_var(--bad)]",
                );
                const from = day.begins_ms + hour * MS_PER_HOUR;
                return (
                  <td key={hour} className="p-0">
                    {reads && opened + refused > 0 ? (
                      <Link to={`/audit?from_ms=${from}&until_ms=${from + MS_PER_HOUR - 1}`} title={words} aria-label={words} className={look} />
                    ) : (
                      <span title={words} className={look}>
                        <span className="sr-only">{words}</span>
                      </span>
                    )}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      <p className="mt-2 flex flex-wrap items-center gap-1.5 text-xs text-soft">
        {t("less")}
        {SHADES.map((one) => (
          <span key={one} aria-hidden className={clsx("size-3.5 rounded-[3px]", one)} />
        ))}
        {t("more", { most: count(most) })}
        <span aria-hidden className="ml-3 size-3.5 rounded-[3px] shadow-[inset_0_0_0_2px_var(--bad)]" />
        {t("withRefusals")}
      </p>
    </div>
  );
}
