// One program: by what it is known, what it has to show, what it may do.
import { Ban, KeySquare, RotateCcw, ShieldCheck, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Facts, Loading, Panel, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { listed } from "../../lib/words";
import { RegisterCredential } from "./CredentialDialog";
import { DemandsDialog, ScopesDialog } from "./ProgramDialogs";
import { type Credential, type Program } from "./programs";
import { useCredentials } from "./queries";

export function ProgramPanel({ program }: { program: Program }) {
  const { t, i18n } = useTranslation("people");
  const actions = useMe().data?.actions ?? [];
  const accounts = actions.includes("manage-accounts");
  const rights = actions.includes("manage-rights");
  const [asked, setAsked] = useState<"scopes" | "demands" | "disable" | "enable" | null>(null);
  const close = () => setAsked(null);
  const set = (disabled: boolean) =>
    api.PATCH("/api/v1/clients/{client}", { params: { path: { client: program.client_id } }, body: { disabled } });
  return (
    <>
      <Panel
        title={program.client_id}
        actions={<Badge tone={program.disabled ? "bad" : "good"}>{t(program.disabled ? "standings.disabled" : "standings.active")}</Badge>}
      >
        <div className="space-y-4 p-4">
          <Facts
            of={[
              [t("scopes.title"), program.scopes.length === 0 ? t("scopes.none") : listed(program.scopes.map((scope) => t(`scopes.${scope}`)), i18n.language)],
              [t("demands.title"), program.demands.length === 0 ? t("demands.none") : listed(program.demands.map((demand) => t(`demands.${demand}`)), i18n.language)],
              [t("programs.secret"), t(program.confidential ? "programs.hasSecret" : "programs.noSecret")],
              ...program.redirect_uris.map((address): [string, string] => [t("programs.redirect"), address]),
            ]}
          />
          <div className="flex flex-wrap gap-2">
            {rights && (
              <Button onClick={() => setAsked("scopes")}>
                <ShieldCheck size={15} aria-hidden />
                {t("scopes.change")}
              </Button>
            )}
            {accounts && <Button onClick={() => setAsked("demands")}>{t("demands.change")}</Button>}
            {accounts &&
              (program.disabled ? (
                <Button onClick={() => setAsked("enable")}>
                  <RotateCcw size={15} aria-hidden />
                  {t("enable.button")}
                </Button>
              ) : (
                <Button look="danger" onClick={() => setAsked("disable")}>
                  <Ban size={15} aria-hidden />
                  {t("disable.button")}
                </Button>
              ))}
          </div>
        </div>
      </Panel>
      <Credentials program={program} accounts={accounts} />
      {asked === "scopes" && <ScopesDialog program={program} onClose={close} />}
      {asked === "demands" && <DemandsDialog program={program} onClose={close} />}
      {(asked === "disable" || asked === "enable") && (
        <ActionDialog
          action={{
            title: t(`${asked}.title`, { name: program.client_id }),
            button: t(`${asked}.submit`),
            danger: asked === "disable",
            consequences: asked === "disable" ? [t("disable.program"), t("disable.back")] : [t("enable.program")],
            changes: ["clients"],
            perform: () => set(asked === "disable"),
            aside: <CopyAs cli={`yingdun client disable ${asked === "enable" ? "--enable " : ""}${program.client_id}`} />,
          }}
          onClose={close}
        />
      )}
    </>
  );
}

// === helpers ===

function Credentials({ program, accounts }: { program: Program; accounts: boolean }) {
  const { t } = useTranslation("people");
  const credentials = useCredentials(program.client_id);
  const [asked, setAsked] = useState<"register" | Credential | null>(null);
  return (
    <Panel
      title={t("credentials.title")}
      actions={
        accounts && (
          <Button onClick={() => setAsked("register")}>
            <KeySquare size={15} aria-hidden />
            {t("credentials.register")}
          </Button>
        )
      }
    >
      <div className="p-4">
        {credentials.isError ? (
          <Refused error={credentials.error} retry={() => void credentials.refetch()} />
        ) : credentials.isPending ? (
          <Loading />
        ) : credentials.data.length === 0 ? (
          <p className="text-soft">{t("credentials.none")}</p>
        ) : (
          <ul className="space-y-2">
            {credentials.data.map((credential) => (
              <li key={`${credential.kind}-${credential.sha256}`} className="flex items-start justify-between gap-2 rounded-md border p-2.5">
                <div className="min-w-0">
                  <p className="font-medium">{t(`credentials.${credential.kind}`)}</p>
                  <p className="truncate font-mono text-xs text-soft" title={credential.sha256}>
                    {credential.issuer ?? credential.sha256}
                  </p>
                  <p className="text-xs text-soft">
                    {t("credentials.until")} <When ms={credential.valid_until_ms} exact />
                  </p>
                </div>
                {accounts && (
                  <Button look="quiet" aria-label={t("credentials.remove")} title={t("credentials.remove")} onClick={() => setAsked(credential)}>
                    <Trash2 size={15} aria-hidden />
                  </Button>
                )}
              </li>
            ))}
          </ul>
        )}
      </div>
      {asked === "register" && <RegisterCredential program={program} onClose={() => setAsked(null)} />}
      {asked !== null && asked !== "register" && (
        <ActionDialog
          action={{
            title: t("credentials.removeTitle", { name: program.client_id }),
            button: t("credentials.remove"),
            danger: true,
            consequences: [t("credentials.removeNow"), t("credentials.removeAgain")],
            changes: ["credentials", "clients"],
            perform: () =>
              api.DELETE("/api/v1/clients/{client}/credentials/{kind}/{sha256}", {
                params: { path: { client: program.client_id, kind: asked.kind as never, sha256: asked.sha256 } },
              }),
            aside: <CopyAs cli={`yingdun client credential remove ${program.client_id} ${asked.kind} ${asked.sha256}`} />,
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </Panel>
  );
}
