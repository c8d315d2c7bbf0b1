// Everybody who has an account, and one of them beside it.
import { UserPlus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import { Badge, Button, Empty } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { useChosen } from "../../lib/chosen";
import { Invite } from "./Invitation";
import { fitting, ROLES, standingOf, STANDINGS, TONES, type PeopleFilters, type Person } from "./people";
import { PersonPanel } from "./PersonPanel";
import { usePeople } from "./queries";

export function PeopleList() {
  const { t } = useTranslation(["people", "app"]);
  const actions = useMe().data?.actions ?? [];
  const [filters, change] = useFilters(["text", "role", "standing"]);
  const [chosen, choose] = useChosen("person");
  const [inviting, setInviting] = useState(false);
  const people = usePeople();
  const rows = useMemo(() => fitting(people.data ?? [], filters as PeopleFilters), [people.data, filters]);
  const person = people.data?.find((one) => one.name === chosen);
  const columns = useColumns();
  return (
    <ListScreen
      name="people"
      label={t("places.people")}
      filters={filters}
      change={change}
      search={{ label: t("search"), placeholder: t("placeholder") }}
      choices={[
        { name: "role", label: t("role"), any: t("anyRole"), options: ROLES.map((role) => [role, t(`app:roles.${role}`)]) },
        { name: "standing", label: t("standing"), any: t("anyStanding"), options: STANDINGS.map((standing) => [standing, t(`standings.${standing}`)]) },
      ]}
      actions={
        actions.includes("manage-accounts") && (
          <Button look="primary" className="h-10" onClick={() => setInviting(true)}>
            <UserPlus size={16} aria-hidden />
            {t("invite.button")}
          </Button>
        )
      }
      found={people}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.name}
      chosen="person"
      side={person && <PersonPanel key={person.name} person={person} />}
      unchosen={t("select")}
      empty={<Empty title={t("empty")}>{t("emptyHelp")}</Empty>}
      cli="yingdun person list"
      path="/api/v1/people"
    >
      {inviting && <Invite onClose={() => setInviting(false)} onInvited={choose} />}
    </ListScreen>
  );
}

// === helpers ===

function useColumns(): Column<Person>[] {
  const { t, i18n } = useTranslation(["people", "app"]);
  return useMemo(
    () => [
      { key: "name", title: t("name"), width: "minmax(10rem, 1fr)", narrow: "minmax(6.5rem, 1fr)", cell: (row) => <span className="font-medium">{row.name}</span>, text: (row) => row.name },
      {
        key: "roles",
        title: t("role"),
        width: "minmax(12rem, 1.4fr)",
        narrow: "8rem",
        cell: (row) =>
          row.roles.length === 0 ? (
            <span className="text-soft">{t("noRole")}</span>
          ) : (
            <span className="flex gap-1">
              {row.roles.map((role) => (
                <Badge key={role}>{t(`app:roles.${role}`)}</Badge>
              ))}
            </span>
          ),
        text: (row) => row.roles.join(" "),
      },
      {
        key: "standing",
        title: t("standing"),
        width: "9rem",
        narrow: "6rem",
        cell: (row) => <Badge tone={TONES[standingOf(row)]}>{t(`standings.${standingOf(row)}`)}</Badge>,
        text: (row) => t(`standings.${standingOf(row)}`),
      },
      {
        key: "second_factor",
        title: t("secondFactor"),
        width: "9rem",
        narrow: false,
        cell: (row) => (row.second_factor ? t("hasSecondFactor") : <span className="text-soft">{t("noSecondFactor")}</span>),
        text: (row) => t(row.second_factor ? "hasSecondFactor" : "noSecondFactor"),
      },
    ],
    [t, i18n.language],
  );
}
