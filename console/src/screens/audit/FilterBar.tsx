// What is searched for: the few filters that are wanted most, all of them in a dialog, and a chip for each that is on.
import { RotateCw, SlidersHorizontal, UserSearch } from "lucide-react";
import { useEffect, useState, type FormEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/basics";
import { Chip, FilterRow, Toggle } from "../../components/Filters";
import { moment } from "../../lib/time";
import { FilterDialog } from "./FilterDialog";
import { useWord } from "./leaf/words";
import { FILTERS, type AuditFilters, type Filter } from "./query";

interface Given {
  filters: AuditFilters;
  change: (next: AuditFilters) => void;
  /** Accounts that are in the list, to choose from. */
  names: string[];
  /** Of references that somebody gave an ID for: what was typed. It is told to nobody. */
  typed: ReadonlyMap<string, string>;
  onTyped: (reference: string, text: string) => void;
  onRefresh: () => void;
  refreshing: boolean;
  children?: ReactNode;
}

export function FilterBar({ filters, change, names, typed, onTyped, onRefresh, refreshing, children }: Given) {
  const { t } = useTranslation("audit");
  const [open, setOpen] = useState(false);
  const on = FILTERS.filter((name) => filters[name]);
  return (
    <div className="space-y-2">
      <FilterRow search={<Person value={filters.actor ?? ""} names={names} onChange={(actor) => change({ actor, device: "" })} />}>
        <Toggle on={filters.when === "today"} onChange={(is) => change({ when: is ? "today" : "", from_ms: "", until_ms: "" })}>
          {t("filters.today")}
        </Toggle>
        <Toggle on={filters.when === "week"} onChange={(is) => change({ when: is ? "week" : "", from_ms: "", until_ms: "" })}>
          {t("filters.week")}
        </Toggle>
        <Toggle on={filters.outcome === "refused"} onChange={(is) => change({ outcome: is ? "refused" : "" })}>
          {t("filters.refused")}
        </Toggle>
        <Button className="h-10 rounded-lg" onClick={() => setOpen(true)}>
          <SlidersHorizontal size={16} aria-hidden /> {t("filters.more")}
        </Button>
        <Button className="h-10 rounded-lg" aria-label={t("refresh")} title={t("refresh")} aria-busy={refreshing} onClick={onRefresh}>
          <RotateCw size={16} className={refreshing ? "animate-spin" : ""} aria-hidden />
        </Button>
        {children}
      </FilterRow>
      {on.length > 0 && (
        <div className="flex flex-wrap items-center gap-2">
          {on.map((name) => (
            <Chip key={name} onRemove={() => change({ [name]: "" })}>
              <Said name={name} value={filters[name] ?? ""} typed={typed} />
            </Chip>
          ))}
          {on.length > 1 && (
            <Button look="quiet" onClick={() => change(Object.fromEntries(on.map((name) => [name, ""])))}>
              {t("filters.clear")}
            </Button>
          )}
        </div>
      )}
      {open && <FilterDialog filters={filters} change={change} typed={typed} onTyped={onTyped} onClose={() => setOpen(false)} />}
    </div>
  );
}

// === helpers ===

/** An account is searched for as a whole, and once: each search is a leaf. */
function Person({ value, names, onChange }: { value: string; names: string[]; onChange: (value: string) => void }) {
  const { t } = useTranslation("audit");
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== value) onChange(text.trim());
  };
  return (
    <form onSubmit={submit} className="min-w-40 flex-1 basis-full sm:basis-40">
      <label className="flex h-10 items-center gap-2 rounded-lg border bg-surface px-3 shadow-raised focus-within:border-accent">
        <UserSearch size={17} className="shrink-0 text-soft" aria-hidden />
        <span className="sr-only">{t("filters.person")}</span>
        <input
          type="search"
          list="audit-people"
          autoComplete="off"
          spellCheck={false}
          value={text}
          placeholder={t("filters.personHelp")}
          onChange={(event) => setText(event.target.value)}
          className="h-full min-w-0 flex-1 bg-transparent outline-none placeholder:text-soft"
        />
        <datalist id="audit-people">
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
    </form>
  );
}

/** A filter as words. */
function Said({ name, value, typed }: { name: Filter; value: string; typed: ReadonlyMap<string, string> }) {
  const { t } = useTranslation("audit");
  const word = useWord();
  const said: Partial<Record<Filter, string>> = {
    actor_kind: word("actorKind", value),
    action: word("action", value),
    kind: word("kind", value),
    outcome: word("outcome", value),
    patient: typed.get(value) ?? value.slice(0, 8),
    study: typed.get(value) ?? value.slice(0, 8),
    when: ["today", "week", "month"].includes(value) ? t(`filters.${value}`) : value,
    from_ms: /^\d+$/.test(value) ? moment(Number(value)) : value,
    until_ms: /^\d+$/.test(value) ? moment(Number(value)) : value,
  };
  return (
    <span title={value} className="max-w-64 truncate">
      {t(`filters.${name}`)} {said[name] ?? value}
    </span>
  );
}
