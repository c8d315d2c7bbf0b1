// How a device differs from what the standard lets one expect. None of it gives it a right.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { CheckList } from "../../components/CheckList";
import { Choice, TextArea, TextField } from "../../components/forms";
import { whole, type Device, type Habits } from "./devices";

const CHARACTER_SETS = ["ISO_IR 192", "GB18030", "GBK", "ISO 2022 IR 58", "ISO_IR 100"];
const FLAGS = ["star_is_universal", "names_begin", "tell_availability"] as const;

export function HabitsDialog({ device, onClose }: { device: Device; onClose: () => void }) {
  const { t } = useTranslation("devices");
  const [habits, setHabits] = useState<Habits>(device.habits);
  const [syntaxes, setSyntaxes] = useState(device.habits.transfer_syntaxes.join("\n"));
  const [rules, setRules] = useState(device.habits.coercions.length === 0 ? "" : JSON.stringify(device.habits.coercions, null, 1));
  const parsed = rulesOf(rules);
  const change = (changed: Partial<Habits>) => setHabits((present) => ({ ...present, ...changed }));
  const sets = (present: string | null): [string, string][] => [
    ["", t("habits.asDeclared")],
    ...[...new Set([...CHARACTER_SETS, ...(present === null ? [] : [present])])].map((name): [string, string] => [name, name]),
  ];
  return (
    <ActionDialog
      action={{
        title: t("habits.of", { name: device.ae_title }),
        button: t("scopes.submit"),
        consequences: [t("habits.noRight"), t("habits.next")],
        wide: true,
        incomplete: parsed === null,
        changes: ["devices"],
        perform: () =>
          api.PUT("/api/v1/devices/{ae_title}", {
            params: { path: { ae_title: device.ae_title } },
            body: {
              ...whole(device),
              habits: { ...habits, transfer_syntaxes: syntaxes.split(/\s+/).filter((uid) => uid !== ""), coercions: parsed ?? [] } as never,
            },
          }),
      }}
      onClose={onClose}
    >
      <div className="grid gap-4 sm:grid-cols-2">
        <Choice
          label={t("habits.name.character_set_in")}
          hint={t("habits.help.character_set_in")}
          options={sets(device.habits.character_set_in)}
          value={habits.character_set_in ?? ""}
          onChange={(event) => change({ character_set_in: event.target.value === "" ? null : event.target.value })}
        />
        <Choice
          label={t("habits.name.character_set_out")}
          hint={t("habits.help.character_set_out")}
          options={sets(device.habits.character_set_out)}
          value={habits.character_set_out ?? ""}
          onChange={(event) => change({ character_set_out: event.target.value === "" ? null : event.target.value })}
        />
      </div>
      <CheckList
        label={t("habits.name.asks")}
        options={FLAGS.map((name) => ({ value: name, name: t(`habits.name.${name}`), hint: t(`habits.help.${name}`) }))}
        chosen={FLAGS.filter((name) => habits[name])}
        onChange={(chosen) =>
          change({
            star_is_universal: chosen.includes("star_is_universal"),
            names_begin: chosen.includes("names_begin"),
            tell_availability: chosen.includes("tell_availability"),
          })
        }
      />
      <div className="grid gap-4 sm:grid-cols-2">
        <TextField
          label={t("habits.name.pdu_bytes_max")}
          hint={t("habits.help.pdu_bytes_max")}
          type="number"
          min={4096}
          max={131072}
          value={habits.pdu_bytes_max ?? ""}
          onChange={(event) => change({ pdu_bytes_max: event.target.value === "" ? null : Number(event.target.value) })}
        />
        <TextArea
          label={t("habits.name.transfer_syntaxes")}
          hint={t("habits.help.transfer_syntaxes")}
          rows={2}
          spellCheck={false}
          placeholder="1.2.840.10008.1.2.1"
          value={syntaxes}
          onChange={(event) => setSyntaxes(event.target.value)}
        />
      </div>
      <TextArea
        label={t("habits.name.coercions")}
        hint={t("habits.help.coercions")}
        fault={parsed === null ? t("habits.noRules") : undefined}
        rows={4}
        spellCheck={false}
        placeholder='[{"action": "trim-zeros", "attribute": "PatientID"}]'
        value={rules}
        onChange={(event) => setRules(event.target.value)}
      />
    </ActionDialog>
  );
}

// === helpers ===

/** A list of rules, or nothing where it is none. What a rule is, the server says. */
function rulesOf(text: string): unknown[] | null {
  if (text.trim() === "") return [];
  try {
    const read: unknown = JSON.parse(text);
    return Array.isArray(read) ? read : null;
  } catch {
    return null;
  }
}
