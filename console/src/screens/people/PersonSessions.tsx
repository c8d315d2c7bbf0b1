// The sessions of a person. That somebody looked at them is on the ledger, so they are asked for and not simply shown.
import { useQuery } from "@tanstack/react-query";
import { Eye, LogOut } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Button, Loading, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import type { Person } from "./people";

export function PersonSessions({ person }: { person: Person }) {
  const { t } = useTranslation(["people", "app"]);
  const [looks, setLooks] = useState(false);
  const [asked, setAsked] = useState<"all" | { session: string; role: string } | null>(null);
  const path = { params: { path: { actor: person.name } } };
  const sessions = useQuery({
    queryKey: ["sessions", person.name],
    queryFn: () => body(api.GET("/api/v1/people/{actor}/sessions", path)),
    enabled: looks,
    gcTime: 0,
  });
  const rows = sessions.data ?? [];
  return (
    <Panel
      title={t("sessions.title")}
      actions={
        rows.length > 0 && (
          <Button look="danger" onClick={() => setAsked("all")}>
            <LogOut size={15} aria-hidden />
            {t("sessions.endAll")}
          </Button>
        )
      }
    >
      <div className="p-4">
        {!looks ? (
          <div className="space-y-2">
            <p className="text-soft">{t("sessions.ledger")}</p>
            <Button onClick={() => setLooks(true)}>
              <Eye size={15} aria-hidden />
              {t("sessions.look")}
            </Button>
          </div>
        ) : sessions.isError ? (
          <Refused error={sessions.error} retry={() => void sessions.refetch()} />
        ) : sessions.isPending ? (
          <Loading />
        ) : rows.length === 0 ? (
          <p className="text-soft">{t("sessions.none")}</p>
        ) : (
          <ul className="space-y-2">
            {rows.map((row) => (
              <li key={row.session} className="flex items-start justify-between gap-2 rounded-md border p-2.5" title={row.session}>
                <div className="min-w-0">
                  <p className="font-medium">
                    {t(`app:roles.${row.role}`)} · {row.address ?? t("sessions.unknownAddress")}
                  </p>
                  <p className="truncate text-xs text-soft" title={row.program ?? undefined}>
                    {row.program ?? t("sessions.unknownProgram")}
                  </p>
                  <p className="text-xs text-soft">
                    {t("sessions.since")} <When ms={row.issued_ms} exact />
                  </p>
                  <p className="text-xs text-soft">
                    {t("sessions.used")} <When ms={row.last_used_ms} />
                  </p>
                </div>
                <Button look="quiet" onClick={() => setAsked({ session: row.session, role: row.role })}>
                  {t("sessions.end")}
                </Button>
              </li>
            ))}
          </ul>
        )}
      </div>
      {asked === "all" && (
        <ActionDialog
          action={{
            title: t("sessions.endAllTitle", { name: person.name }),
            button: t("sessions.endAll"),
            danger: true,
            consequences: [t("sessions.endWhat"), t("sessions.again")],
            changes: ["sessions"],
            perform: () => api.DELETE("/api/v1/people/{actor}/sessions", path),
          }}
          onClose={() => setAsked(null)}
        />
      )}
      {asked !== null && asked !== "all" && (
        <ActionDialog
          action={{
            title: t("sessions.endTitle", { name: person.name, role: t(`app:roles.${asked.role}`) }),
            button: t("sessions.end"),
            danger: true,
            consequences: [t("sessions.endWhat"), t("sessions.again")],
            changes: ["sessions"],
            perform: () =>
              api.DELETE("/api/v1/people/{actor}/sessions/{session}", {
                params: { path: { actor: person.name, session: asked.session } },
              }),
            aside: <CopyAs cli={`yingdun session end ${asked.session} --of ${person.name}`} />,
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </Panel>
  );
}
