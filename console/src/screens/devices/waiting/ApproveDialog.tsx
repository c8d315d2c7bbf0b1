// Registering a device with what was seen of it. The one thing that a person has to do is to compare the fingerprint; everything else is there.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../../api/client";
import { ActionDialog } from "../../../components/ActionDialog";
import { Facts, When } from "../../../components/basics";
import { CheckList } from "../../../components/CheckList";
import { CopyAs } from "../../../components/CopyAs";
import { TextArea, TextField } from "../../../components/forms";
import { quoted } from "../../../lib/words";
import { inGroups, nameOf, type Waiting } from "./waiting";

export function ApproveDialog({ waiting, onClose, onDone }: { waiting: Waiting; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation("waitingDevices");
  const [addresses, setAddresses] = useState(waiting.address);
  const [destination, setDestination] = useState("");
  const [plain, setPlain] = useState(false);
  const [now] = useState(Date.now());
  const listed = addresses.split(/[\s,，;；]+/).filter((address) => address !== "");
  const record = {
    addresses: listed,
    plain_allowed: plain,
    destination: destination.trim() === "" ? null : destination.trim(),
  };
  const words = [
    "yingdun device approve", quoted(waiting.attempt), ...listed.map((address) => `--address ${quoted(address)}`), ...(plain ? ["--plain"] : []),
    ...(record.destination === null ? [] : [`--destination ${quoted(record.destination)}`]),
  ];
  const certificate = waiting.certificate;
  return (
    <ActionDialog
      action={{
        title: t("dialog.title", { name: nameOf(waiting) }),
        button: t(waiting.tls ? "dialog.submit" : "dialog.submitPlain"),
        consequences: [...(waiting.known ? [t("dialog.known", { name: waiting.calling_ae })] : []), t("dialog.what"), t("dialog.scopes")],
        wide: true,
        danger: waiting.known,
        incomplete: listed.length === 0 || (!waiting.tls && !plain),
        changes: ["devices", "waiting-devices"],
        perform: () => body(api.POST("/api/v1/waiting-devices/{attempt}", { params: { path: { attempt: waiting.attempt } }, body: record })),
        aside: <CopyAs cli={words.join(" ")} />,
      }}
      onClose={onClose}
      onDone={onDone}
    >
      <Facts
        of={[
          [t("dialog.title_ae"), <span key="title" className="font-mono font-semibold">{waiting.calling_ae}</span>],
          [t("dialog.called_ae"), <span key="called" className="font-mono">{waiting.called_ae}</span>],
          [t("dialog.kind"), t(waiting.tls ? "dialog.kindTls" : "dialog.kindPlain")],
        ]}
      />
      {certificate && (
        <section aria-label={t("dialog.compare")} className="space-y-2 rounded-lg border bg-raised p-3">
          <p className="font-medium">{t("dialog.compare")}</p>
          <code title={certificate.sha256} className="grid grid-cols-4 gap-x-4 gap-y-1 font-mono text-base sm:grid-cols-8">
            {inGroups(certificate.sha256).map((group, index) => (
              <span key={index}>{group}</span>
            ))}
          </code>
          <Facts
            of={[
              [t("dialog.subject"), certificate.subject],
              [t("dialog.issuer"), certificate.issuer],
              [
                t("dialog.until"),
                <span key="until" className={certificate.valid_until_ms <= now ? "text-bad" : ""}>
                  <When ms={certificate.valid_until_ms} exact /> {certificate.valid_until_ms <= now && t("dialog.isOver")}
                </span>,
              ],
            ]}
          />
        </section>
      )}
      {!waiting.tls && (
        <CheckList
          label={t("dialog.plain")}
          options={[{ value: "plain", name: t("dialog.plainAllowed"), hint: t("dialog.plainHint") }]}
          chosen={plain ? ["plain"] : []}
          onChange={(chosen) => setPlain(chosen.length > 0)}
        />
      )}
      <div className="grid gap-4 sm:grid-cols-2">
        <TextArea label={t("dialog.addresses")} hint={t("dialog.addressesHint")} required rows={2} spellCheck={false} value={addresses} onChange={(event) => setAddresses(event.target.value)} />
        <TextField
          label={t("dialog.destination")}
          hint={t("dialog.destinationHint")}
          autoComplete="off"
          spellCheck={false}
          placeholder="ws07.example:2762"
          value={destination}
          onChange={(event) => setDestination(event.target.value)}
        />
      </div>
    </ActionDialog>
  );
}
