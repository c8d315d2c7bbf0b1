// Over every page while somebody has opened a patient in an emergency: whom, until when, and the way to end it.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Siren } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/client";
import { useInterval, useMe } from "../api/queries";
import { BROKEN_GLASS, brokenGlass, type BrokenGlass } from "../api/rows";
import { Button } from "../components/basics";
import { ActionDialog } from "../components/ActionDialog";
import { CopyAs } from "../components/CopyAs";
import { Countdown, useNow } from "../components/Countdown";
import { Subject, subjectText } from "../components/Subject";
import "../components/BreakGlass";

/** How often it is asked whether it was ended elsewhere. */
const REFRESH_MS = 60_000;

export function GlassBanner() {
  const me = useMe().data;
  const every = useInterval(REFRESH_MS);
  const may = me?.actions.includes("break-glass") === true;
  const cases = useQuery({ queryKey: BROKEN_GLASS, queryFn: brokenGlass, enabled: may, refetchInterval: every });
  const open = may ? (cases.data ?? []).filter((row) => row.open && row.name === me.name) : [];
  return open.map((row) => <OneCase key={row.grant} row={row} />);
}

// === helpers ===

function OneCase({ row }: { row: BrokenGlass }) {
  const { t } = useTranslation("breakGlass");
  const queries = useQueryClient();
  const now = useNow(row.valid_until_ms);
  const [ending, setEnding] = useState(false);
  if (now >= row.valid_until_ms) return null;
  const done = () => void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "me" });
  return (
    <section
      aria-label={t("banner")}
      className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-1 border-b bg-bad-wash px-4 py-2 text-bad"
    >
      <p className="flex min-w-0 flex-1 basis-full items-start gap-3 sm:basis-0">
        <Siren size={17} className="mt-0.5 shrink-0" aria-hidden />
        <span className="min-w-0">
          <strong className="font-semibold">{t("banner")}</strong> · <Subject of={row} /> · {t("reviewed")}
        </span>
      </p>
      <Countdown from_ms={row.valid_from_ms} until_ms={row.valid_until_ms} />
      <Button look="danger" aria-label={t("endOf", { subject: subjectText(row) })} onClick={() => setEnding(true)}>
        {t("end")}
      </Button>
      {ending && (
        <ActionDialog
          action={{
            title: t("ending"),
            button: t("end"),
            danger: true,
            consequences: [<Subject key="subject" of={row} />, t("endWhat")],
            changes: [],
            perform: () => api.DELETE("/api/v1/break-glass/{grant}", { params: { path: { grant: row.grant } } }),
            aside: <CopyAs cli={`yingdun break-glass end ${row.grant}`} />,
          }}
          onClose={() => setEnding(false)}
          onDone={() => {
            setEnding(false);
            done();
          }}
        />
      )}
    </section>
  );
}
