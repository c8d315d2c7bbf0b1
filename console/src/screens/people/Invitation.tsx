// Inviting somebody, for the first time or again. The link is shown once; who has it sets the password.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { When } from "../../components/basics";
import { TextField } from "../../components/forms";
import { ShownOnce } from "../../components/ShownOnce";
import type { Person } from "./people";

interface Invited {
  name: string;
  link: string;
  expires_ms: number;
}

export function Invite({ onClose, onInvited }: { onClose: () => void; onInvited: (name: string) => void }) {
  const { t } = useTranslation("people");
  const [name, setName] = useState("");
  const [invited, setInvited] = useState<Invited | null>(null);
  if (invited) return <Link of={invited} onClose={onClose} />;
  return (
    <ActionDialog
      action={{
        title: t("invite.title"),
        button: t("invite.submit"),
        consequences: [t("invite.what"), t("invite.noRights")],
        incomplete: name.trim() === "",
        changes: ["people"],
        perform: async () => {
          setInvited(await body(api.POST("/api/v1/people", { body: { name: name.trim() } })));
          onInvited(name.trim());
        },
      }}
      onClose={onClose}
      onDone={() => undefined}
    >
      <TextField
        label={t("name")}
        hint={t("invite.nameHint")}
        autoFocus
        required
        autoComplete="off"
        spellCheck={false}
        maxLength={64}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
    </ActionDialog>
  );
}

export function InviteAgain({ person, onClose }: { person: Person; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [invited, setInvited] = useState<Invited | null>(null);
  if (invited) return <Link of={invited} onClose={onClose} />;
  return (
    <ActionDialog
      action={{
        title: t("inviteAgain.title", { name: person.name }),
        button: t("inviteAgain.submit"),
        consequences: [t("inviteAgain.what"), t("inviteAgain.old")],
        changes: ["people"],
        perform: async () => {
          const path = { params: { path: { actor: person.name } } };
          setInvited(await body(api.POST("/api/v1/people/{actor}/invitation", path)));
        },
      }}
      onClose={onClose}
      onDone={() => undefined}
    />
  );
}

// === helpers ===

function Link({ of, onClose }: { of: Invited; onClose: () => void }) {
  const { t } = useTranslation("people");
  return (
    <ShownOnce title={t("invited.title", { name: of.name })} values={[[t("invited.link"), of.link]]} onClose={onClose}>
      <p>{t("invited.next")}</p>
      <p>
        {t("invited.until")} <When ms={of.expires_ms} exact />
      </p>
    </ShownOnce>
  );
}
