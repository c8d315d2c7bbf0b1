// Programs that sign in on their own, and one of them beside the list.
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import { Badge, Button, Empty } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { useChosen } from "../../lib/chosen";
import { listed } from "../../lib/words";
import { ProgramPanel } from "./ProgramPanel";
import { fittingPrograms, type Program } from "./programs";
import { RegisterProgram } from "./ProgramDialogs";
import { usePrograms } from "./queries";

export function Programs() {
  const { t } = useTranslation("people");
  const accounts = useMe().data?.actions.includes("manage-accounts") ?? false;
  const [filters, change] = useFilters(["text"]);
  const [chosen, choose] = useChosen("program");
  const [registering, setRegistering] = useState(false);
  const programs = usePrograms();
  const rows = fittingPrograms(programs.data ?? [], filters["text"] ?? "");
  const program = programs.data?.find((one) => one.client_id === chosen);
  const columns = useColumns();
  return (
    <ListScreen
      name="programs"
      label={t("places.programs")}
      filters={filters}
      change={change}
      search={{ label: t("programs.search"), placeholder: t("programs.placeholder") }}
      actions={
        accounts && (
          <Button look="primary" className="h-10" onClick={() => setRegistering(true)}>
            <Plus size={16} aria-hidden />
            {t("programs.register")}
          </Button>
        )
      }
      found={programs}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.client_id}
      chosen="program"
      side={program && <ProgramPanel key={program.client_id} program={program} />}
      unchosen={t("programs.select")}
      empty={<Empty title={t("programs.empty")}>{t("programs.emptyHelp")}</Empty>}
      cli="yingdun client list"
      path="/api/v1/clients"
    >
      {registering && <RegisterProgram onClose={() => setRegistering(false)} onRegistered={choose} />}
    </ListScreen>
  );
}

// === helpers ===

function useColumns(): Column<Program>[] {
  const { t, i18n } = useTranslation("people");
  return useMemo(
    () => [
      { key: "client_id", title: t("programs.name"), width: "minmax(10rem, 1fr)", narrow: "minmax(7rem, 1fr)", cell: (row) => <span className="font-medium">{row.client_id}</span>, text: (row) => row.client_id },
      {
        key: "scopes",
        title: t("scopes.title"),
        width: "minmax(12rem, 1.6fr)",
        narrow: "minmax(7rem, 1fr)",
        cell: (row) =>
          row.scopes.length === 0 ? (
            <span className="text-soft">{t("scopes.none")}</span>
          ) : (
            <span className="flex gap-1">
              {row.scopes.map((scope) => (
                <Badge key={scope}>{t(`scopes.${scope}`)}</Badge>
              ))}
            </span>
          ),
        text: (row) => row.scopes.join(" "),
      },
      {
        key: "demands",
        title: t("demands.title"),
        width: "minmax(8rem, 1fr)",
        narrow: false,
        cell: (row) => (row.demands.length === 0 ? <span className="text-soft">{t("demands.none")}</span> : listed(row.demands.map((demand) => t(`demands.${demand}`)), i18n.language)),
        text: (row) => row.demands.join(" "),
      },
      {
        key: "disabled",
        title: t("standing"),
        width: "7rem",
        narrow: "5rem",
        cell: (row) => <Badge tone={row.disabled ? "bad" : "good"}>{t(row.disabled ? "standings.disabled" : "standings.active")}</Badge>,
        text: (row) => t(row.disabled ? "standings.disabled" : "standings.active"),
      },
    ],
    [t, i18n.language],
  );
}
