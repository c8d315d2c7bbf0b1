// One department and who belongs to it.
import { Pencil, UserPlus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Button, Panel, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { EnterDepartment, JoinDepartment } from "./DepartmentDialogs";
import type { Department, Member } from "./departments";

export function DepartmentPanel({ department, members, rights }: { department: Department; members: Member[]; rights: boolean }) {
  const { t } = useTranslation("people");
  const [asked, setAsked] = useState<"rename" | "join" | { leaves: string } | null>(null);
  const close = () => setAsked(null);
  return (
    <Panel
      title={<span title={department.department}>{department.name}</span>}
      actions={
        rights && (
          <>
            <Button look="quiet" aria-label={t("departments.rename")} title={t("departments.rename")} onClick={() => setAsked("rename")}>
              <Pencil size={15} aria-hidden />
            </Button>
            <Button onClick={() => setAsked("join")}>
              <UserPlus size={15} aria-hidden />
              {t("departments.join")}
            </Button>
          </>
        )
      }
    >
      <div className="p-4">
        {members.length === 0 ? (
          <p className="text-soft">{t("departments.nobody")}</p>
        ) : (
          <ul className="space-y-1.5">
            {members.map((member) => (
              <li key={`${member.name}-${member.valid_from_ms}`} className="flex items-center gap-2 rounded-md border px-3 py-1">
                <Link className="min-w-0 truncate font-medium text-accent underline" to={`/people?person=${encodeURIComponent(member.name)}`}>
                  {member.name}
                </Link>
                <span className="ml-auto text-xs text-soft">
                  {t("belongs.until")} <When ms={member.valid_until_ms} exact />
                </span>
                {rights && (
                  <Button
                    look="quiet"
                    aria-label={t("leave.of", { name: member.name })}
                    title={t("leave.of", { name: member.name })}
                    onClick={() => setAsked({ leaves: member.name })}
                  >
                    <X size={15} aria-hidden />
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
      {asked === "rename" && <EnterDepartment present={department} onClose={close} onEntered={close} />}
      {asked === "join" && <JoinDepartment department={department} onClose={close} />}
      {asked !== null && typeof asked === "object" && (
        <ActionDialog
          action={{
            title: t("leave.title", { name: asked.leaves, department: department.name }),
            button: t("leave.submit"),
            danger: true,
            consequences: [t("leave.now")],
            changes: ["departments"],
            perform: () =>
              api.POST("/api/v1/department-members/end", { body: { name: asked.leaves, department: department.department } }),
            aside: <CopyAs cli={`yingdun department leave ${asked.leaves} --department ${department.department}`} />,
          }}
          onClose={close}
        />
      )}
    </Panel>
  );
}
