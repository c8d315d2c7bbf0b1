// Rotation, with what it would do before it does it; and the seal.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Loading, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Choice } from "../../components/forms";
import type { Keys, Rotated } from "./keys";

type Grade = "L1" | "L2" | "L3" | "L4" | "L4S" | "L5";

export function RotateDialog({ keys, onClose }: { keys: Keys; onClose: () => void }) {
  const { t } = useTranslation("keys");
  const [grade, setGrade] = useState("");
  const grades = [...new Set(keys.keks.map((version) => version.grade))];
  const of = grade === "" ? {} : { grade: grade as Grade };
  const outlook = useQuery({
    queryKey: ["rotation", grade],
    queryFn: async () => {
      const answer = await body(api.POST("/api/v1/keys/rotation", { body: { ...of, dry_run: true } }));
      return answer.rotated as unknown as Rotated[];
    },
    gcTime: 0,
  });
  return (
    <ActionDialog
      action={{
        title: t("rotate.title"),
        button: t("rotate.submit"),
        consequences: [t("rotate.new"), t("rotate.old"), t("rotate.images")],
        incomplete: !outlook.data || outlook.data.length === 0,
        changes: ["keys"],
        perform: () => api.POST("/api/v1/keys/rotation", { body: { ...of, dry_run: false } }),
        aside: <CopyAs cli={`yingdun keys rotate${grade === "" ? "" : ` --grade ${grade}`}`} />,
      }}
      onClose={onClose}
    >
      <Choice
        label={t("grade")}
        options={[["", t("rotate.all")], ...grades.map((one): [string, string] => [one, `${one} ${t(`grades.${one}`)}`])]}
        value={grade}
        onChange={(event) => setGrade(event.target.value)}
      />
      {outlook.isPending && <Loading />}
      {outlook.isError && <Refused error={outlook.error} />}
      {outlook.data && (
        <ul className="space-y-1 rounded-md border bg-raised p-3" aria-label={t("rotate.would")}>
          {outlook.data.length === 0 && <li className="text-soft">{t("rotate.nothing")}</li>}
          {outlook.data.map((one) => (
            <li key={`${one.grade}-${one.suite}`}>
              {t("rotate.step", { grade: one.grade, before: one.version_before, after: one.version })} <span className="text-soft">{one.suite}</span>
            </li>
          ))}
        </ul>
      )}
    </ActionDialog>
  );
}

export function SealDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("keys");
  return (
    <ActionDialog
      action={{
        title: t("seal.title"),
        button: t("seal.submit"),
        danger: true,
        consequences: [t("seal.stops"), t("seal.people"), t("seal.open"), t("seal.kept")],
        typed: t("seal.word"),
        changes: [],
        perform: () => api.POST("/api/v1/seal", {}),
        aside: <CopyAs cli="yingdun seal" />,
      }}
      onClose={onClose}
      onDone={() => window.location.assign("/login")}
    />
  );
}
