// Every way by which the archive can be asked for something: who owns it, how callers are known, whether it is encrypted.
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Badge, Empty } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { Toggle, useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { count } from "../../lib/amounts";
import { useConfiguration } from "./queries";
import { fitting, type Interface } from "./system";

export function InterfacesPlace() {
  const { t } = useTranslation("system");
  const [filters, change] = useFilters(["text", "door", "only"]);
  const configuration = useConfiguration();
  const all = configuration.data?.interfaces.listed ?? [];
  const rows = useMemo(() => fitting(all, filters), [all, filters]);
  const coverage = configuration.data?.interfaces.coverage;
  const columns = useColumns();
  return (
    <ListScreen
      name="interfaces"
      label={t("places.interfaces")}
      filters={filters}
      change={change}
      search={{ label: t("interfaces.search"), placeholder: t("interfaces.placeholder") }}
      choices={[
        {
          name: "door",
          label: t("interfaces.door"),
          any: t("interfaces.anyDoor"),
          options: [...new Set(all.map((one) => one.door))].map((door) => [door, t(`doors.${door}`)]),
        },
      ]}
      toggles={
        <Toggle on={filters["only"] === "open"} onChange={(on) => change({ only: on ? "open" : "" })}>
          {t("interfaces.onlyOpen")}
        </Toggle>
      }
      also={["only"]}
      found={configuration}
      rows={rows}
      columns={columns}
      rowKey={keyOf}
      chosen="interface"
      status={
        coverage &&
        t("interfaces.status", { rows: count(rows.length), all: count(coverage.interfaces), encrypted: count(coverage.encrypted), authenticated: count(coverage.authenticated) })
      }
      empty={<Empty title={t("interfaces.empty")}>{t("interfaces.emptyHelp")}</Empty>}
      cli="yingdun interfaces"
      path="/api/v1/system/configuration"
    />
  );
}

// === helpers ===

function keyOf(row: Interface): string {
  return `${row.door} ${row.address} ${row.name}`;
}

function useColumns(): Column<Interface>[] {
  const { t, i18n } = useTranslation("system");
  return useMemo(
    () => [
      { key: "address", title: t("interfaces.address"), width: "minmax(18rem, 2fr)", narrow: "minmax(10rem, 1fr)", cell: (row) => <span title={row.name}>{row.address}</span>, text: (row) => row.address },
      { key: "door", title: t("interfaces.door"), width: "8rem", narrow: false, cell: (row) => t(`doors.${row.door}`), text: (row) => row.door },
      { key: "class", title: t("interfaces.class"), width: "6rem", narrow: false, cell: (row) => t(`classes.${row.class}`), text: (row) => row.class },
      { key: "owner", title: t("interfaces.owner"), width: "9rem", narrow: false, cell: (row) => t(`owners.${row.owner}`), text: (row) => row.owner },
      {
        key: "authentication",
        title: t("interfaces.authentication"),
        width: "9rem",
        narrow: "6.5rem",
        cell: (row) => <Badge tone={row.authentication === "none" ? "warn" : "neutral"}>{t(`authentications.${row.authentication}`)}</Badge>,
        text: (row) => row.authentication,
      },
      {
        key: "encryption",
        title: t("interfaces.encryption"),
        width: "8rem",
        narrow: false,
        cell: (row) => <Badge tone={row.encryption === "none" ? "warn" : "good"}>{t(`encryptions.${row.encryption}`)}</Badge>,
        text: (row) => row.encryption,
      },
      { key: "name", title: t("interfaces.name"), width: "14rem", narrow: false, cell: (row) => row.name, text: (row) => row.name, spare: true },
    ],
    [t, i18n.language],
  );
}
