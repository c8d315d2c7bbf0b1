// Registering a program, what it may do, and what it has to show.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CheckList } from "../../components/CheckList";
import { CopyAs } from "../../components/CopyAs";
import { TextArea, TextField } from "../../components/forms";
import { ShownOnce } from "../../components/ShownOnce";
import { DEMANDS, lines, loosens, SCOPES, type Demand, type Program, type Scope } from "./programs";

export function RegisterProgram({ onClose, onRegistered }: { onClose: () => void; onRegistered: (client: string) => void }) {
  const { t } = useTranslation("people");
  const [name, setName] = useState("");
  const [secret, setSecret] = useState(true);
  const [addresses, setAddresses] = useState("");
  const [made, setMade] = useState<{ client_id: string; client_secret: string } | null>(null);
  if (made) {
    return (
      <ShownOnce
        title={t("programs.made", { name: made.client_id })}
        values={[
          ["client_id", made.client_id],
          ["client_secret", made.client_secret],
        ]}
        onClose={onClose}
      >
        <p>{t("programs.madeNext")}</p>
      </ShownOnce>
    );
  }
  return (
    <ActionDialog
      action={{
        title: t("programs.register"),
        button: t("programs.submit"),
        consequences: [t("programs.what")],
        incomplete: name.trim() === "",
        changes: ["clients"],
        perform: async () => {
          const answer = await body(
            api.POST("/api/v1/clients", {
              body: { client_id: name.trim(), confidential: secret, redirect_uris: lines(addresses) },
            }),
          );
          onRegistered(answer.client_id);
          if (answer.client_secret === null) onClose();
          else setMade({ client_id: answer.client_id, client_secret: answer.client_secret });
        },
      }}
      onClose={onClose}
      onDone={() => undefined}
    >
      <TextField
        label={t("programs.name")}
        hint={t("programs.nameHint")}
        autoFocus
        required
        autoComplete="off"
        spellCheck={false}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <CheckList
        label={t("programs.secret")}
        options={[{ value: "secret", name: t("programs.withSecret"), hint: t("programs.withSecretHint") }]}
        chosen={secret ? ["secret"] : []}
        onChange={(chosen) => setSecret(chosen.length > 0)}
      />
      <TextArea
        label={t("programs.redirect")}
        hint={t("programs.redirectHint")}
        rows={2}
        spellCheck={false}
        value={addresses}
        onChange={(event) => setAddresses(event.target.value)}
      />
    </ActionDialog>
  );
}

export function ScopesDialog({ program, onClose }: { program: Program; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [scopes, setScopes] = useState(program.scopes);
  return (
    <ActionDialog
      action={{
        title: t("scopes.of", { name: program.client_id }),
        button: t("scopes.submit"),
        consequences: [t("scopes.now")],
        changes: ["clients"],
        perform: () =>
          api.PUT("/api/v1/clients/{client}/scopes", {
            params: { path: { client: program.client_id } },
            body: { scopes: scopes as Scope[] },
          }),
        aside: <CopyAs cli={`yingdun client grant ${[program.client_id, ...scopes].join(" ")}`} />,
      }}
      onClose={onClose}
    >
      <CheckList
        label={t("scopes.title")}
        options={SCOPES.map((scope) => ({ value: scope, name: t(`scopes.${scope}`), hint: t(`scopesHelp.${scope}`) }))}
        chosen={scopes}
        onChange={setScopes}
      />
    </ActionDialog>
  );
}

export function DemandsDialog({ program, onClose }: { program: Program; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [demands, setDemands] = useState(program.demands);
  return (
    <ActionDialog
      action={{
        title: t("demands.of", { name: program.client_id }),
        button: t("scopes.submit"),
        danger: loosens(program.demands, demands),
        consequences: [t(loosens(program.demands, demands) ? "demands.loosened" : "demands.tightened")],
        changes: ["clients"],
        perform: () =>
          api.PUT("/api/v1/clients/{client}/demands", {
            params: { path: { client: program.client_id } },
            body: { demands: demands as Demand[] },
          }),
        aside: <CopyAs cli={`yingdun client demand ${[program.client_id, ...demands].join(" ")}`} />,
      }}
      onClose={onClose}
    >
      <CheckList
        label={t("demands.title")}
        options={DEMANDS.map((demand) => ({ value: demand, name: t(`demands.${demand}`), hint: t(`demandsHelp.${demand}`) }))}
        chosen={demands}
        onChange={setDemands}
      />
    </ActionDialog>
  );
}
