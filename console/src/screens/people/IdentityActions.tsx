// Binding an account to an identity at the provider of sign-ins or in the directory, where one of them is connected. The list of people does
// not tell who is bound, so both are offered and the server says what does not fit.
import { Link2, Unlink } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Button } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Choice, TextField } from "../../components/forms";
import type { Person } from "./people";
import { useConnected } from "./queries";

type Directory = "oidc" | "ldap";

export function IdentityActions({ person }: { person: Person }) {
  const { t } = useTranslation("people");
  const connected = useConnected();
  const [asked, setAsked] = useState<"bind" | "unbind" | null>(null);
  const there: Directory[] = [...(connected.data?.["openid_connect"] === true ? (["oidc"] as const) : []), ...(connected.data?.["ldap"] === true ? (["ldap"] as const) : [])];
  if (there.length === 0) return null;
  return (
    <>
      <Button onClick={() => setAsked("bind")}>
        <Link2 size={15} aria-hidden />
        {t("bind.button")}
      </Button>
      <Button onClick={() => setAsked("unbind")}>
        <Unlink size={15} aria-hidden />
        {t("unbind.button")}
      </Button>
      {asked === "bind" && <Bind person={person} there={there} onClose={() => setAsked(null)} />}
      {asked === "unbind" && (
        <ActionDialog
          action={{
            title: t("unbind.title", { name: person.name }),
            button: t("unbind.submit"),
            danger: true,
            consequences: [t("unbind.sessions"), t("unbind.password")],
            changes: ["people", "sessions"],
            perform: () => api.DELETE("/api/v1/people/{actor}/identity", { params: { path: { actor: person.name } } }),
            aside: <CopyAs cli={`yingdun person unbind ${person.name}`} />,
          }}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

// === helpers ===

function Bind({ person, there, onClose }: { person: Person; there: Directory[]; onClose: () => void }) {
  const { t } = useTranslation("people");
  const [subject, setSubject] = useState("");
  const [directory, setDirectory] = useState<Directory>(there[0] ?? "oidc");
  return (
    <ActionDialog
      action={{
        title: t("bind.title", { name: person.name }),
        button: t("bind.submit"),
        consequences: [t("bind.what"), t("bind.sure")],
        incomplete: subject.trim() === "",
        changes: ["people"],
        perform: () =>
          api.PUT("/api/v1/people/{actor}/identity", { params: { path: { actor: person.name } }, body: { subject: subject.trim(), directory } }),
      }}
      onClose={onClose}
    >
      {there.length > 1 && (
        <Choice
          label={t("bind.directory")}
          options={there.map((one) => [one, t(`bind.${one}`)])}
          value={directory}
          onChange={(event) => setDirectory(event.target.value as Directory)}
        />
      )}
      <TextField
        label={t("bind.subject")}
        hint={t(directory === "oidc" ? "bind.subjectOidc" : "bind.subjectLdap")}
        autoFocus
        required
        autoComplete="off"
        spellCheck={false}
        value={subject}
        onChange={(event) => setSubject(event.target.value)}
      />
    </ActionDialog>
  );
}
