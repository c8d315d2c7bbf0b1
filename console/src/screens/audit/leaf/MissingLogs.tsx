// That an answer is not whole, and which logs are not in it.
import { AlertTriangle } from "lucide-react";
import { useTranslation } from "react-i18next";
import { When } from "../../../components/basics";
import type { Page } from "./page";
import { useWord } from "./words";

export function MissingLogs({ page }: { page: Page<unknown> | undefined }) {
  const { t } = useTranslation("leaf");
  const word = useWord();
  const missing = page?.missing.filter(({ why }) => why !== "not-asked") ?? [];
  if (!page || page.whole || missing.length === 0) return null;
  return (
    <div role="alert" className="flex gap-3 rounded-lg bg-warn-wash p-4 text-warn">
      <AlertTriangle size={18} className="mt-0.5 shrink-0" aria-hidden />
      <div>
        <p className="font-semibold">{t("missing.title")}</p>
        <ul>
          {missing.map(({ log, why, last_seen_ms }) => (
            <li key={log}>
              <strong>{log}</strong>: {word("why", why)}
              {last_seen_ms !== null && (
                <>
                  {" · "}
                  {t("missing.last")} <When ms={last_seen_ms} exact />
                </>
              )}
            </li>
          ))}
        </ul>
        <p>{t("missing.again")}</p>
      </div>
    </div>
  );
}
