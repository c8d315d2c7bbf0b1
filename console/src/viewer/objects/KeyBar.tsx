// Key images in the bar of the viewer: mark the image that is shown, save what was marked, show only key images.
import { Filter, Save, Star } from "lucide-react";
import { clsx } from "clsx";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { request } from "../../api/client";
import { useMe } from "../../api/queries";
import { ActionDialog } from "../../components/ActionDialog";
import { Button } from "../../components/basics";
import { Choice, TextArea } from "../../components/forms";
import { shownFor, toldFor } from "../keys";
import { askFor, TITLES, type Title } from "./key-objects";
import { useKeyImages, useReread } from "./KeyImages";

/** Characters of a description; the server takes no more. */
const DESCRIPTION_MAX = 500;

export function KeyBar({ study, shown, onMark }: { study: string; shown: boolean; onMark: () => void }) {
  const { t } = useTranslation("objects");
  const keys = useKeyImages();
  const mayMark = useMe().data?.actions.includes("mark-key-images") === true;
  const [saving, setSaving] = useState(false);
  const marked = keys.marks.size;
  const key = shownFor("keyImage");
  return (
    <div role="group" aria-label={t("keyImagesTitle")} className="flex shrink-0 items-center gap-1">
      {mayMark && shown && (
        <button
          type="button"
          title={[t("mark"), key === "" ? "" : `(${key})`].join(" ").trim()}
          aria-label={t("mark")}
          aria-keyshortcuts={toldFor("keyImage")}
          onPointerDown={(event) => event.preventDefault()}
          onClick={onMark}
          className="grid size-8 place-items-center rounded-md hover:bg-accent-wash"
        >
          <Star size={17} aria-hidden />
        </button>
      )}
      {(keys.count > 0 || keys.only !== null) && (
        <button
          type="button"
          aria-pressed={keys.only !== null}
          title={t("onlyKeyImages")}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => keys.setOnly(keys.only === null)}
          className={clsx("inline-flex h-8 items-center gap-1 rounded-md px-2 whitespace-nowrap", keys.only !== null ? "bg-accent text-accent-ink" : "hover:bg-accent-wash")}
        >
          <Filter size={15} aria-hidden />
          {t("keyImages", { count: keys.count })}
        </button>
      )}
      {marked > 0 && (
        <Button look="primary" onClick={() => setSaving(true)}>
          <Save size={15} aria-hidden />
          {t("save", { count: marked })}
        </Button>
      )}
      {saving && <Saving study={study} onClose={() => setSaving(false)} />}
    </div>
  );
}

// === helpers ===

function Saving({ study, onClose }: { study: string; onClose: () => void }) {
  const { t } = useTranslation("objects");
  const keys = useKeyImages();
  const reread = useReread(study);
  const [title, setTitle] = useState<Title>(TITLES[0]);
  const [description, setDescription] = useState("");
  const perform = async () => {
    const body = JSON.stringify(askFor(keys.marks.values(), title, description));
    await request(`/api/v1/studies/${study}/key-images`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    keys.forget();
    await reread();
  };
  return (
    <ActionDialog
      onClose={onClose}
      action={{
        title: t("saveTitle", { count: keys.marks.size }),
        button: t("saveButton"),
        consequences: [t("saveWhat"), t("saveStays"), t("saveSeen")],
        changes: [],
        perform,
      }}
    >
      <div className="space-y-3">
        <Choice
          label={t("why")}
          value={title}
          onChange={(event) => setTitle(TITLES.find((one) => one === event.target.value) ?? TITLES[0])}
          options={TITLES.map((one) => [one, t(`titles.${one}`)])}
        />
        <TextArea label={t("description")} hint={t("descriptionHint")} maxLength={DESCRIPTION_MAX} value={description} onChange={(event) => setDescription(event.target.value)} />
      </div>
    </ActionDialog>
  );
}
