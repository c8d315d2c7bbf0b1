// Who works at a device: technicians see what it sends today. The half of the security administrator, on the record of the other.
import { UserPlus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Button, Panel, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Choice } from "../../components/forms";
import { useDepartments, usePeople } from "../people/queries";

const MS_PER_DAY = 86_400_000;
const DAYS = [30, 90, 365, 1095];

export function DeviceMembers({ device }: { device: string }) {
  const { t } = useTranslation("devices");
  const rights = useMe().data?.actions.includes("manage-rights") ?? false;
  const [asked, setAsked] = useState<"join" | { leaves: string } | null>(null);
  const departments = useDepartments();
  const members = (departments.data?.members ?? []).filter((member) => member.device === device);
  if (members.length === 0 && !rights) return null;
  const close = () => setAsked(null);
  return (
    <Panel
      title={t("members.title")}
      actions={
        rights && (
          <Button onClick={() => setAsked("join")}>
            <UserPlus size={15} aria-hidden />
            {t("members.join")}
          </Button>
        )
      }
    >
      <div className="p-4">
        {members.length === 0 ? (
          <p className="text-soft">{t("members.nobody")}</p>
        ) : (
          <ul className="space-y-1.5">
            {members.map((member) => (
              <li key={`${member.name}-${member.valid_from_ms}`} className="flex items-center gap-2 rounded-md border px-3 py-1">
                <Link className="min-w-0 truncate font-medium text-accent underline" to={`/people?person=${encodeURIComponent(member.name)}`}>
                  {member.name}
                </Link>
                <span className="ml-auto text-xs text-soft">
                  {t("members.until")} <When ms={member.valid_until_ms} exact />
                </span>
                {rights && (
                  <Button
                    look="quiet"
                    aria-label={t("members.leave", { name: member.name })}
                    title={t("members.leave", { name: member.name })}
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
      {asked === "join" && <Join device={device} onClose={close} />}
      {asked !== null && asked !== "join" && (
        <ActionDialog
          action={{
            title: t("members.leaveTitle", { name: asked.leaves, device }),
            button: t("members.leaveNow"),
            danger: true,
            consequences: [t("members.leaveWhat")],
            changes: ["departments"],
            perform: () => api.POST("/api/v1/department-members/end", { body: { name: asked.leaves, device } }),
            aside: <CopyAs cli={`yingdun department leave ${asked.leaves} --device ${device}`} />,
          }}
          onClose={close}
        />
      )}
    </Panel>
  );
}

// === helpers ===

function Join({ device, onClose }: { device: string; onClose: () => void }) {
  const { t } = useTranslation("devices");
  const people = usePeople();
  const [name, setName] = useState("");
  const [days, setDays] = useState(365);
  const [now] = useState(Date.now());
  const until_ms = now + days * MS_PER_DAY;
  const technicians = (people.data ?? []).filter((person) => !person.disabled && person.roles.includes("technician"));
  return (
    <ActionDialog
      action={{
        title: t("members.joinTitle", { device }),
        button: t("members.join"),
        consequences: [t("members.what")],
        incomplete: name === "",
        changes: ["departments"],
        perform: () => api.PUT("/api/v1/department-members", { body: { name, device, valid_from_ms: now, valid_until_ms: until_ms } }),
        aside: name !== "" && <CopyAs cli={`yingdun department join ${name} --device ${device} --days ${days}`} />,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("members.who")}
        hint={people.data && technicians.length === 0 ? t("members.noTechnician") : undefined}
        options={[["", t("members.choose")], ...technicians.map((person): [string, string] => [person.name, person.name])]}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Choice
        label={t("members.days")}
        hint={
          <>
            {t("members.until")} <When ms={until_ms} exact />
          </>
        }
        options={DAYS.map((count) => [String(count), t("members.forDays", { count })])}
        value={String(days)}
        onChange={(event) => setDays(Number(event.target.value))}
      />
    </ActionDialog>
  );
}
