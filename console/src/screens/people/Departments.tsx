// Departments and who belongs to them. Before the first one is entered, nothing depends on departments.
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import { Button, Empty } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { useChosen } from "../../lib/chosen";
import { EnterDepartment } from "./DepartmentDialogs";
import { DepartmentPanel } from "./DepartmentPanel";
import { fittingDepartments, membersOf, type Department, type Departments as All } from "./departments";
import { useDepartments } from "./queries";

const NONE: All = { departments: [], members: [] };

export function Departments() {
  const { t } = useTranslation("people");
  const rights = useMe().data?.actions.includes("manage-rights") ?? false;
  const [filters, change] = useFilters(["text"]);
  const [chosen, choose] = useChosen("department");
  const [entering, setEntering] = useState(false);
  const departments = useDepartments();
  const all = departments.data ?? NONE;
  const rows = fittingDepartments(all, filters["text"] ?? "");
  const department = all.departments.find((one) => one.department === chosen);
  const columns = useColumns(all);
  return (
    <ListScreen
      name="departments"
      label={t("places.departments")}
      filters={filters}
      change={change}
      search={{ label: t("departments.search"), placeholder: t("departments.placeholder") }}
      actions={
        rights && (
          <Button look="primary" className="h-10" onClick={() => setEntering(true)}>
            <Plus size={16} aria-hidden />
            {t("departments.enter")}
          </Button>
        )
      }
      found={departments}
      rows={rows}
      columns={columns}
      rowKey={(row) => row.department}
      chosen="department"
      side={
        department && (
          <DepartmentPanel key={department.department} department={department} members={membersOf(all, department.department)} rights={rights} />
        )
      }
      unchosen={t("departments.select")}
      empty={
        <Empty title={t(all.departments.length === 0 ? "departments.none" : "departments.empty")}>
          {t(all.departments.length === 0 ? "departments.noneHelp" : "departments.emptyHelp")}
        </Empty>
      }
      cli="yingdun department list"
      path="/api/v1/departments"
    >
      {entering && <EnterDepartment onClose={() => setEntering(false)} onEntered={choose} />}
    </ListScreen>
  );
}

// === helpers ===

function useColumns(all: All): Column<Department>[] {
  const { t, i18n } = useTranslation("people");
  return useMemo(
    () => [
      { key: "name", title: t("departments.name"), width: "minmax(10rem, 1fr)", narrow: "minmax(8rem, 1fr)", cell: (row) => <span className="font-medium">{row.name}</span>, text: (row) => row.name },
      { key: "department", title: t("departments.short"), width: "minmax(8rem, 1fr)", narrow: "7rem", cell: (row) => <code className="font-mono text-[13px]">{row.department}</code>, text: (row) => row.department },
      {
        key: "members",
        title: t("departments.members"),
        width: "8rem",
        narrow: "5rem",
        cell: (row) => membersOf(all, row.department).length,
        text: (row) => String(membersOf(all, row.department).length),
      },
    ],
    [t, i18n.language, all],
  );
}
