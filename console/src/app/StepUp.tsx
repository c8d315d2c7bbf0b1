// The second factor, asked for where something sensitive is about to be done: a code, or a passkey where there is one.
import { KeyRound } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../api/client";
import { Button, Refused } from "../components/basics";
import { Dialog } from "../components/Dialog";
import { TextField } from "../components/forms";

export function StepUp({ onAnswer }: { onAnswer: (proved: boolean) => void }) {
  const { t } = useTranslation("app");
  const [code, setCode] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const attempt = async (prove: () => Promise<unknown>) => {
    setBusy(true);
    setError(null);
    try {
      await prove();
      onAnswer(true);
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void attempt(() => api.POST("/api/v1/me/second-factor/proof", { body: { code } }));
  };

  return (
    <Dialog
      open
      onClose={() => onAnswer(false)}
      title={t("stepUp.title")}
      footer={
        <>
          <Button onClick={() => void attempt(provePasskey)} busy={busy}>
            <KeyRound size={15} aria-hidden />
            {t("stepUp.passkey")}
          </Button>
          <Button look="primary" type="submit" form="step-up" busy={busy}>
            {t("stepUp.submit")}
          </Button>
        </>
      }
    >
      <form id="step-up" onSubmit={submit} className="space-y-3">
        <p className="text-soft">{t("stepUp.why")}</p>
        <TextField
          label={t("stepUp.code")}
          autoFocus
          required
          autoComplete="one-time-code"
          inputMode="numeric"
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
        {error !== null && <Refused error={error} />}
        <p className="text-soft">
          {t("stepUp.none")}{" "}
          <a className="text-accent underline" href="/second-factor">
            {t("stepUp.setUp")}
          </a>
        </p>
      </form>
    </Dialog>
  );
}

// === helpers ===

/** Asks the browser for a passkey, and the server whether it is the right one (WebAuthn Level 3 §5.1). */
async function provePasskey(): Promise<unknown> {
  const { data } = await api.POST("/api/v1/me/passkeys/challenge", {});
  const options = (data as unknown as { options?: unknown; publicKey?: unknown }) ?? {};
  const asked = (options.publicKey ?? options.options ?? options) as PublicKeyCredentialRequestOptionsJSON;
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked);
  const credential = await navigator.credentials.get({ publicKey });
  if (!(credential instanceof PublicKeyCredential)) throw new Error("no passkey");
  return api.POST("/api/v1/me/passkeys/proof", { body: { credential: credential.toJSON() as never } });
}
