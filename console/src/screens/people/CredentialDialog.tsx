// By what a program is known beside its secret: a certificate, its key, a key for signatures, or the tokens of somebody else.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { When } from "../../components/basics";
import { Choice, TextArea, TextField } from "../../components/forms";
import { KINDS, type Kind, type Program } from "./programs";

const MS_PER_DAY = 86_400_000;
const DAYS = [90, 365, 730];

export function RegisterCredential({ program, onClose }: { program: Program; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [kind, setKind] = useState<Kind>("certificate");
  const [pem, setPem] = useState("");
  const [issuer, setIssuer] = useState("");
  const [there, setThere] = useState("");
  const [subject, setSubject] = useState("");
  const [days, setDays] = useState(365);
  const [now] = useState(Date.now());
  const valid_until_ms = now + days * MS_PER_DAY;
  const text = pem.trim();

  const perform = () => {
    const target = { params: { path: { client: program.client_id } } };
    const route = "/api/v1/clients/{client}/credentials";
    switch (kind) {
      case "certificate":
        return api.POST(route, { ...target, body: { kind, certificate: text } });
      case "certificate-key":
        return api.POST(route, { ...target, body: { kind, certificate: text, valid_until_ms } });
      case "signature-key":
        return api.POST(route, { ...target, body: { kind, public_key: text, valid_until_ms } });
      case "external-token":
        return api.POST(route, {
          ...target,
          body: { kind, issuer: issuer.trim(), client_id: there.trim(), ...(subject.trim() === "" ? {} : { subject: subject.trim() }), valid_until_ms },
        });
    }
  };
  return (
    <ActionDialog
      action={{
        title: t("credentials.registerTitle", { name: program.client_id }),
        button: t("credentials.register"),
        consequences: [t("credentials.impersonate"), t("credentials.scopesGo")],
        danger: program.scopes.length > 0,
        incomplete: kind === "external-token" ? issuer.trim() === "" || there.trim() === "" : text === "",
        changes: ["credentials", "clients"],
        perform,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("credentials.kind")}
        hint={t(`credentialsHelp.${kind}`)}
        options={KINDS.map((one) => [one, t(`credentials.${one}`)])}
        value={kind}
        onChange={(event) => setKind(event.target.value as Kind)}
      />
      {kind === "external-token" ? (
        <>
          <TextField label={t("credentials.issuer")} hint={t("credentials.issuerHint")} spellCheck={false} value={issuer} onChange={(event) => setIssuer(event.target.value)} />
          <TextField label={t("credentials.there")} spellCheck={false} value={there} onChange={(event) => setThere(event.target.value)} />
          <TextField label={t("credentials.subject")} hint={t("credentials.subjectHint")} spellCheck={false} value={subject} onChange={(event) => setSubject(event.target.value)} />
        </>
      ) : (
        <TextArea
          label={t(kind === "signature-key" ? "credentials.publicKey" : "credentials.pem")}
          hint={t("credentials.pemHint")}
          rows={6}
          spellCheck={false}
          className="font-mono text-xs"
          placeholder={kind === "signature-key" ? "-----BEGIN PUBLIC KEY-----" : "-----BEGIN CERTIFICATE-----"}
          value={pem}
          onChange={(event) => setPem(event.target.value)}
        />
      )}
      {kind !== "certificate" && (
        <Choice
          label={t("join.days")}
          hint={
            <>
              {t("care.until")} <When ms={valid_until_ms} exact />
            </>
          }
          options={DAYS.map((count) => [String(count), t("days", { count })])}
          value={String(days)}
          onChange={(event) => setDays(Number(event.target.value))}
        />
      )}
    </ActionDialog>
  );
}
