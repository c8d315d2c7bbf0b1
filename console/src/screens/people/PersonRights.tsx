// What the security administrator gives a person: roles, a second factor anew, and patients in care.
import { HeartPulse, KeySquare, Plus, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Button, Panel } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Choice } from "../../components/forms";
import { CareDialog } from "./CareDialog";
import { OFFICERS, ROLES, type Person } from "./people";

type Role = (typeof ROLES)[number];
type Path = { params: { path: { actor: string; role: never } } };

export function PersonRights({ person }: { person: Person }) {
  const { t } = useTranslation(["people", "app"]);
  const me = useMe().data;
  const [asked, setAsked] = useState<"give" | "reset" | "care" | "endCare" | { take: string } | null>(null);
  const close = () => setAsked(null);
  return (
    <Panel
      title={t("rights.title")}
      actions={
        <Button onClick={() => setAsked("give")}>
          <Plus size={15} aria-hidden />
          {t("rights.give")}
        </Button>
      }
    >
      <div className="space-y-3 p-4">
        {person.roles.length === 0 ? (
          <p className="text-soft">{t("rights.none")}</p>
        ) : (
          <ul className="space-y-1.5">
            {person.roles.map((role) => (
              <li key={role} className="flex items-center justify-between gap-2 rounded-md border px-3 py-1">
                <span className="min-w-0 truncate" title={role}>
                  {t(`app:roles.${role}`)}
                </span>
                {person.name !== me?.name && (
                  <Button
                    look="quiet"
                    aria-label={t("rights.takeOf", { role: t(`app:roles.${role}`) })}
                    title={t("rights.takeOf", { role: t(`app:roles.${role}`) })}
                    onClick={() => setAsked({ take: role })}
                  >
                    <X size={15} aria-hidden />
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
        <div className="flex flex-wrap gap-2">
          {person.roles.some((role) => !OFFICERS.includes(role)) && (
            <>
              <Button onClick={() => setAsked("care")}>
                <HeartPulse size={15} aria-hidden />
                {t("care.button")}
              </Button>
              <Button onClick={() => setAsked("endCare")}>{t("endCare.button")}</Button>
            </>
          )}
          {person.second_factor && person.name !== me?.name && (
            <Button look="danger" onClick={() => setAsked("reset")}>
              <KeySquare size={15} aria-hidden />
              {t("reset.button")}
            </Button>
          )}
        </div>
      </div>
      {asked === "give" && <GiveRole person={person} onClose={close} />}
      {asked === "care" && <CareDialog name={person.name} onClose={close} />}
      {asked === "endCare" && <CareDialog name={person.name} ends onClose={close} />}
      {asked === "reset" && (
        <ActionDialog
          action={{
            title: t("reset.title", { name: person.name }),
            button: t("reset.submit"),
            danger: true,
            consequences: [t("reset.what"), t("reset.sessions"), t("reset.sure")],
            changes: ["people", "sessions"],
            perform: () =>
              api.DELETE("/api/v1/people/{actor}/second-factor", { params: { path: { actor: person.name } } }),
            aside: <CopyAs cli={`yingdun second-factor reset ${person.name}`} />,
          }}
          onClose={close}
        />
      )}
      {asked !== null && typeof asked === "object" && (
        <ActionDialog
          action={{
            title: t("take.title", { name: person.name, role: t(`app:roles.${asked.take}`) }),
            button: t("take.submit"),
            danger: true,
            consequences: [t("take.now"), t("take.back")],
            changes: ["people", "sessions"],
            perform: () => api.DELETE("/api/v1/people/{actor}/roles/{role}", pathOf(person.name, asked.take)),
            aside: <CopyAs cli={`yingdun role revoke ${person.name} ${asked.take}`} />,
          }}
          onClose={close}
        />
      )}
    </Panel>
  );
}

// === helpers ===

function GiveRole({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation(["people", "app"]);
  const free = ROLES.filter((role) => !person.roles.includes(role));
  const [role, setRole] = useState<Role>(free[0] ?? "clinician");
  return (
    <ActionDialog
      action={{
        title: t("give.title", { name: person.name }),
        button: t("give.submit"),
        consequences: [t("give.once"), t(OFFICERS.includes(role) ? "give.officer" : "give.now")],
        changes: ["people"],
        perform: () => api.PUT("/api/v1/people/{actor}/roles/{role}", pathOf(person.name, role)),
        aside: <CopyAs cli={`yingdun role grant ${person.name} ${role}`} />,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("role")}
        hint={t(`roleHelp.${role}`)}
        options={free.map((one) => [one, t(`app:roles.${one}`)])}
        value={role}
        onChange={(event) => setRole(event.target.value as Role)}
      />
    </ActionDialog>
  );
}

function pathOf(actor: string, role: string): Path {
  return { params: { path: { actor, role: role as never } } };
}
