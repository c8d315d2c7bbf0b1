// Filters of a list that somebody named: kept in this browser for this person, chosen from a menu, and sent to others as a link.
import { Menu } from "@base-ui/react/menu";
import { Bookmark, BookmarkPlus, Check, Link2, Trash2, Undo2 } from "lucide-react";
import { useId, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../api/queries";
import { useSearchParams } from "../lib/address";
import { useKept } from "../lib/kept";
import { faultOf, keptOf, shownBy, VIEW_NAME_MAX, viewsOf, withView, type View } from "../lib/views";
import { Button } from "./basics";
import { Dialog } from "./Dialog";
import { TextField } from "./forms";
import { hide, useHiddenWords } from "./table/columns";

interface Kept {
  /** The table whose filters these are. */
  table: string;
  /** Which parameters of the address are kept. */
  names: readonly string[];
  /** Parameters that a link carries and that are not kept, because they may name a patient. */
  only?: readonly string[];
}

export function SavedFilters({ table, names, only = [] }: Kept) {
  const { t } = useTranslation("app");
  const [views, setViews] = useViews(table);
  const [parameters, setParameters] = useSearchParams();
  const hidden = useHiddenWords(table);
  const [dialog, setDialog] = useState<"save" | "manage" | null>(null);
  const [copied, setCopied] = useState(false);
  const present = keptOf(parameters.toString(), names);
  const shown = views.find((view) => keptOf(view.query, names) === present);
  const show = (view: View) => {
    setParameters((before) => shownBy(view, names, before.toString()));
    hide(table, view.hidden);
  };
  const copy = async () => {
    // Which row is chosen is not part of what others are to look at.
    const query = keptOf(parameters.toString(), [...names, ...only, "of"]);
    await navigator.clipboard.writeText(`${window.location.origin}${window.location.pathname}${query === "" ? "" : `?${query}`}`);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <>
      <Menu.Root>
        <Menu.Trigger
          aria-label={t("views.title")}
          title={t("views.title")}
          className="inline-flex h-10 max-w-52 items-center gap-1.5 rounded-lg border bg-surface px-3 font-medium hover:bg-raised"
        >
          {copied ? <Check size={16} aria-hidden className="shrink-0" /> : <Bookmark size={16} aria-hidden className="shrink-0" />}
          <span className="truncate">{copied ? t("copy.done") : shown && present !== "" ? shown.name : t("views.short")}</span>
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={6} align="end" className="z-30">
            <Menu.Popup className="max-h-[70vh] w-64 max-w-[92vw] overflow-auto rounded-lg border bg-surface p-1 shadow-raised">
              {views.length === 0 && <p className="px-2.5 py-2 text-soft">{t("views.none")}</p>}
              {views.map((view) => (
                <Entry key={view.name} icon={view === shown ? <Check size={15} aria-hidden /> : null} onClick={() => show(view)}>
                  {view.name}
                </Entry>
              ))}
              <hr className="my-1" />
              <Entry icon={<BookmarkPlus size={15} aria-hidden />} onClick={() => setDialog("save")}>
                {t("views.save")}
              </Entry>
              <Entry icon={<Link2 size={15} aria-hidden />} onClick={() => void copy()}>
                {t("views.link")}
              </Entry>
              {views.length > 0 && (
                <Entry icon={null} onClick={() => setDialog("manage")}>
                  {t("views.manage")}
                </Entry>
              )}
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {dialog === "save" && (
        <Save
          views={views}
          unkept={only.some((name) => (parameters.get(name) ?? "") !== "")}
          onClose={() => setDialog(null)}
          onSave={(name) => setViews(withView(views, { name, query: present, hidden }))}
        />
      )}
      {dialog === "manage" && <Manage views={views} onChange={setViews} onClose={() => setDialog(null)} />}
    </>
  );
}

// === helpers ===

/** The views of who is signed in. */
function useViews(table: string): [View[], (views: View[]) => void] {
  const name = useMe().data?.name ?? "";
  const [kept, set] = useKept(`views.${name}.${table}`);
  return [viewsOf(kept), set];
}

function Entry({ icon, onClick, children }: { icon: ReactNode; onClick: () => void; children: ReactNode }) {
  return (
    <Menu.Item onClick={onClick} className="flex w-full cursor-pointer items-center gap-2 rounded-md px-2.5 py-2 data-highlighted:bg-accent-wash">
      <span className="grid size-4 shrink-0 place-items-center">{icon}</span>
      <span className="min-w-0 truncate">{children}</span>
    </Menu.Item>
  );
}

function Save({ views, unkept, onClose, onSave }: { views: View[]; unkept: boolean; onClose: () => void; onSave: (name: string) => void }) {
  const { t } = useTranslation("app");
  const id = useId();
  const [name, setName] = useState("");
  const fault = faultOf(name, views);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    event.stopPropagation();
    // A name that is there already takes what is shown now.
    if (fault !== null && fault !== "taken") return;
    onSave(name.trim());
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={t("views.saveTitle")}
      footer={
        <>
          <Button onClick={onClose}>{t("cancel")}</Button>
          <Button look="primary" type="submit" form={id} disabled={fault !== null && fault !== "taken"}>
            {t(fault === "taken" ? "views.replace" : "views.keep")}
          </Button>
        </>
      }
    >
      <form id={id} onSubmit={submit} className="space-y-3">
        <TextField
          label={t("views.name")}
          hint={t(fault === "taken" ? "views.taken" : "views.where")}
          fault={fault === "many" ? t("views.many") : undefined}
          autoFocus
          required
          maxLength={VIEW_NAME_MAX}
          autoComplete="off"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        {unkept && <p className="rounded-md bg-warn-wash px-3 py-2 text-warn">{t("views.unkept")}</p>}
      </form>
    </Dialog>
  );
}

/** What is taken away here comes back as long as the dialog is open. */
function Manage({ views, onChange, onClose }: { views: View[]; onChange: (views: View[]) => void; onClose: () => void }) {
  const { t } = useTranslation("app");
  const [rows, setRows] = useState(() => views.map((view) => ({ view, gone: false })));
  const change = (at: number, next: Partial<(typeof rows)[number]>) => {
    const changed = rows.map((row, index) => (index === at ? { ...row, ...next } : row));
    setRows(changed);
    onChange(changed.filter((row) => !row.gone).map((row) => row.view));
  };
  return (
    <Dialog open onClose={onClose} title={t("views.title")} footer={<Button look="primary" onClick={onClose}>{t("close")}</Button>}>
      <p className="mb-3 text-soft">{t("views.where")}</p>
      <ul className="divide-y rounded-lg border">
        {rows.map(({ view, gone }, index) => (
          <li key={index} className="flex min-h-13 items-center gap-2 px-3 py-1.5">
            {gone ? (
              <>
                <span className="min-w-0 flex-1 truncate text-soft" role="status">
                  {t("views.gone", { name: view.name })}
                </span>
                <Button onClick={() => change(index, { gone: false })}>
                  <Undo2 size={15} aria-hidden />
                  {t("views.undo")}
                </Button>
              </>
            ) : (
              <>
                <Name of={view} others={rows.filter((row) => !row.gone).map((row) => row.view)} onRename={(name) => change(index, { view: { ...view, name } })} />
                <Button look="quiet" aria-label={t("views.delete", { name: view.name })} title={t("views.delete", { name: view.name })} onClick={() => change(index, { gone: true })}>
                  <Trash2 size={15} aria-hidden />
                </Button>
              </>
            )}
          </li>
        ))}
      </ul>
    </Dialog>
  );
}

/** A name that is changed by typing; one that cannot be is not taken. */
function Name({ of, others, onRename }: { of: View; others: View[]; onRename: (name: string) => void }) {
  const { t } = useTranslation("app");
  const [name, setName] = useState(of.name);
  const fault = faultOf(name, others, of.name);
  return (
    <span className="min-w-0 flex-1">
      <input
        aria-label={t("views.rename", { name: of.name })}
        aria-invalid={fault !== null || undefined}
        maxLength={VIEW_NAME_MAX}
        autoComplete="off"
        value={name}
        onChange={(event) => setName(event.target.value)}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
        onBlur={() => (fault === null ? name.trim() !== of.name && onRename(name.trim()) : setName(of.name))}
        className="h-9 w-full rounded-md border border-transparent bg-transparent px-2 hover:border-line focus:border-accent aria-invalid:border-bad"
      />
      {fault === "taken" && <span className="block px-2 text-xs text-bad">{t("views.takenFault")}</span>}
    </span>
  );
}
