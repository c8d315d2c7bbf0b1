// What exactly is destroyed, study by study, and what is left of it elsewhere.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { Empty, Loading, Refused } from "../../components/basics";
import { DataTable, type Column } from "../../components/DataTable";
import { shortened } from "../../lib/known";
import type { DestructionRecord } from "./rows";

type Row = DestructionRecord["studies"][number];

export function DestructionBody({ id }: { id: string }) {
  const { t } = useTranslation("approvals");
  const found = useQuery({
    queryKey: ["destructions", id],
    queryFn: async () =>
      (await body(api.GET("/api/v1/destructions/{destruction}", { params: { path: { destruction: id } } }))) as unknown as DestructionRecord,
  });
  if (found.isPending) return <Loading />;
  if (found.isError) return <Refused error={found.error} retry={() => void found.refetch()} />;
  const name = (row: Row) => row.uid ?? shortened(row.study);
  const columns: Column<Row>[] = [
    { key: "study", title: t("study"), width: "minmax(14rem, 2fr)", cell: (row) => <span title={row.study}>{name(row)}</span>, text: (row) => row.uid ?? row.study },
    { key: "grade", title: t("grade"), width: "5rem", cell: (row) => row.grade, text: (row) => row.grade },
    { key: "instances", title: t("instances"), width: "6rem", cell: (row) => row.instances, text: (row) => String(row.instances) },
  ];
  return (
    <div className="flex h-56 flex-col">
      <DataTable
        name="destruction"
        label={t("destroyed")}
        columns={columns}
        rows={found.data.studies}
        rowKey={(row) => row.study}
        empty={<Empty title={t("nothingLeft")} />}
      />
    </div>
  );
}
