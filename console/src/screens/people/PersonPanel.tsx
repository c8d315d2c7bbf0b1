// One person: what the account is, and what the officer who looks may do with it.
import { Ban, RotateCcw, Send } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Facts, Panel, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { IdentityActions } from "./IdentityActions";
import { InviteAgain } from "./Invitation";
import { Memberships } from "./Memberships";
import { isOfficer, standingOf, TONES, type Person } from "./people";
import { PersonRights } from "./PersonRights";
import { PersonSessions } from "./PersonSessions";

export function PersonPanel({ person }: { person: Person }) {
  const { t } = useTranslation("people");
  const me = useMe().data;
  const actions = me?.actions ?? [];
  const standing = standingOf(person);
  const waits = person.new_places_wait_until_ms > Date.now();
  return (
    <>
      <Panel title={person.name} actions={<Badge tone={TONES[standing]}>{t(`standings.${standing}`)}</Badge>}>
        <div className="space-y-4 p-4">
          <p className="text-soft">{t(`standingHelp.${standing}`)}</p>
          <Facts
            of={[
              [t("secondFactor"), t(person.second_factor ? "hasSecondFactor" : "noSecondFactor")],
              ...(waits
                ? [[t("newPlaces"), <When key="until" ms={person.new_places_wait_until_ms} exact />] as [string, ReactNode]]
                : []),
            ]}
          />
          {actions.includes("manage-accounts") && <AccountActions person={person} own={person.name === me?.name} />}
        </div>
      </Panel>
      {actions.includes("manage-rights") && <PersonRights person={person} />}
      <Memberships name={person.name} />
      {actions.includes("manage-accounts") && <PersonSessions person={person} />}
    </>
  );
}

// === helpers ===

function AccountActions({ person, own }: { person: Person; own: boolean }) {
  const { t } = useTranslation("people");
  const [asked, setAsked] = useState<"disable" | "enable" | "invite" | null>(null);
  const close = () => setAsked(null);
  const set = (disabled: boolean) =>
    api.PATCH("/api/v1/people/{actor}", { params: { path: { actor: person.name } }, body: { disabled } });
  return (
    <div className="flex flex-wrap gap-2">
      {!isOfficer(person) && !person.disabled && (
        <Button onClick={() => setAsked("invite")}>
          <Send size={15} aria-hidden />
          {t("inviteAgain.button")}
        </Button>
      )}
      {!isOfficer(person) && <IdentityActions person={person} />}
      {person.disabled ? (
        <Button onClick={() => setAsked("enable")}>
          <RotateCcw size={15} aria-hidden />
          {t("enable.button")}
        </Button>
      ) : (
        !own && (
          <Button look="danger" onClick={() => setAsked("disable")}>
            <Ban size={15} aria-hidden />
            {t("disable.button")}
          </Button>
        )
      )}
      {asked === "invite" && <InviteAgain person={person} onClose={close} />}
      {asked === "disable" && (
        <ActionDialog
          action={{
            title: t("disable.title", { name: person.name }),
            button: t("disable.submit"),
            danger: true,
            consequences: [t("disable.now"), t("disable.back"), t("disable.name")],
            changes: ["people", "sessions"],
            perform: () => set(true),
            aside: <CopyAs cli={`yingdun person disable ${person.name}`} />,
          }}
          onClose={close}
        />
      )}
      {asked === "enable" && (
        <ActionDialog
          action={{
            title: t("enable.title", { name: person.name }),
            button: t("enable.submit"),
            consequences: [t("enable.what")],
            changes: ["people"],
            perform: () => set(false),
            aside: <CopyAs cli={`yingdun person disable --enable ${person.name}`} />,
          }}
          onClose={close}
        />
      )}
    </div>
  );
}
