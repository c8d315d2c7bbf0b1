// Entering a department or calling it anew, and making somebody belong to it.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Choice, TextField } from "../../components/forms";
import { isShortName, type Department } from "./departments";
import { usePeople } from "./queries";

const MS_PER_DAY = 86_400_000;
const DAYS = [30, 90, 365, 1095];

export function EnterDepartment({
  present,
  onClose,
  onEntered,
}: {
  present?: Department;
  onClose: () => void;
  onEntered: (department: string) => void;
}) {
  const { t } = useTranslation("people");
  const [short, setShort] = useState(present?.department ?? "");
  const [name, setName] = useState(present?.name ?? "");
  return (
    <ActionDialog
      action={{
        title: t(present ? "departments.renameTitle" : "departments.enterTitle", { name: present?.name }),
        button: t(present ? "departments.rename" : "departments.enter"),
        consequences: present ? [t("departments.renameWhat")] : [t("departments.enterWhat"), t("departments.enterNever")],
        incomplete: !isShortName(short) || name.trim() === "",
        changes: ["departments"],
        perform: () =>
          api.PUT("/api/v1/departments/{department}", { params: { path: { department: short } }, body: { name: name.trim() } }),
      }}
      onClose={onClose}
      onDone={() => {
        onEntered(short);
        onClose();
      }}
    >
      {!present && (
        <TextField
          label={t("departments.short")}
          hint={t("departments.shortHint")}
          fault={short !== "" && !isShortName(short) ? t("departments.shortHint") : undefined}
          autoFocus
          required
          autoComplete="off"
          spellCheck={false}
          maxLength={32}
          placeholder="surgery"
          value={short}
          onChange={(event) => setShort(event.target.value)}
        />
      )}
      <TextField
        label={t("departments.name")}
        autoFocus={present !== undefined}
        required
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
    </ActionDialog>
  );
}

export function JoinDepartment({ department, onClose }: { department: Department; onClose: () => void }) {
  const { t } = useTranslation("people");
  const people = usePeople();
  const [name, setName] = useState("");
  const [days, setDays] = useState(365);
  const [now] = useState(Date.now());
  const until_ms = now + days * MS_PER_DAY;
  return (
    <ActionDialog
      action={{
        title: t("join.title", { department: department.name }),
        button: t("join.submit"),
        consequences: [t("join.what")],
        incomplete: name === "",
        changes: ["departments"],
        perform: () =>
          api.PUT("/api/v1/department-members", {
            body: { name, department: department.department, valid_from_ms: now, valid_until_ms: until_ms },
          }),
        aside: name !== "" && <CopyAs cli={`yingdun department join ${name} --department ${department.department} --days ${days}`} />,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("name")}
        options={[["", t("join.choose")], ...(people.data ?? []).filter((person) => !person.disabled).map((person): [string, string] => [person.name, person.name])]}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <Choice
        label={t("join.days")}
        hint={
          <>
            {t("care.until")} <When ms={until_ms} exact />
          </>
        }
        options={DAYS.map((count) => [String(count), t("days", { count })])}
        value={String(days)}
        onChange={(event) => setDays(Number(event.target.value))}
      />
    </ActionDialog>
  );
}
