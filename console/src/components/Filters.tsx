// Filters of a table. What is filtered for stands in the address, so that it can be kept, sent and gone back to; each is a chip that can be
// taken away.
import { clsx } from "clsx";
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "../lib/address";

export type Filters = Record<string, string>;

/** Changes filters; `onward` says that it goes on with the change before, and is no step of its own that one goes back from. */
export type ChangeFilters = (change: Filters, onward?: boolean) => void;

/** The filters in the address, of these names, and how to change them. An empty value takes one away. */
export function useFilters(names: readonly string[]): [Filters, ChangeFilters] {
  const [parameters, setParameters] = useSearchParams();
  const filters: Filters = {};
  for (const name of names) {
    const value = parameters.get(name);
    if (value !== null && value !== "") filters[name] = value;
  }
  const change: ChangeFilters = (next, onward = false) =>
    setParameters(
      (present) => {
        const changed = new URLSearchParams(present);
        for (const [name, value] of Object.entries(next)) {
          if (value === "") changed.delete(name);
          else changed.set(name, value);
        }
        return changed;
      },
      { replace: onward },
    );
  return [filters, change];
}

/** How long somebody has to rest between two keys before what is typed counts, in milliseconds: each search is a leaf of the audit log. */
const REST_MS = 150;

/** A box to type into. A key after a rest counts at once, one of several in a row when they are over. */
export function SearchBox({
  label,
  placeholder,
  value,
  onChange,
  onEnter,
  autoFocus = false,
}: {
  label: string;
  placeholder?: string;
  value: string;
  /** `onward` where it goes on with what was typed before. */
  onChange: (value: string, onward: boolean) => void;
  /** Somebody pressed Enter, or the arrow that leads down to what was found. */
  onEnter?: (value: string, key: "Enter" | "ArrowDown") => void;
  autoFocus?: boolean;
}) {
  const [typed, setTyped] = useState(value);
  const box = useRef<HTMLInputElement>(null);
  const key = useRef({ at_ms: -REST_MS, isQuick: false });
  // What was handed on and has not come back: the address follows a moment later, and must not take away what is typed meanwhile.
  const handedOn = useRef<string[]>([]);
  // One step back takes away a word, and not each of its letters.
  const begun = useRef(false);
  useEffect(() => {
    const at = handedOn.current.indexOf(value);
    if (at >= 0) handedOn.current.splice(0, at + 1);
    else {
      handedOn.current = [];
      setTyped(value);
    }
  }, [value]);
  useEffect(() => {
    if (typed === (handedOn.current.at(-1) ?? value)) return;
    const handOn = () => {
      handedOn.current.push(typed);
      onChange(typed, begun.current);
      begun.current = true;
    };
    if (!key.current.isQuick) return handOn();
    const timer = setTimeout(handOn, REST_MS);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  useEffect(() => {
    const onKey = (event: globalThis.KeyboardEvent) => {
      const target = event.target as HTMLElement | null;
      if (event.key !== "/" || target?.closest("input, textarea, select, [contenteditable]")) return;
      event.preventDefault();
      box.current?.focus();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
  return (
    <label className="flex h-10 min-w-48 flex-1 basis-full items-center gap-2 sm:basis-0 rounded-lg border bg-surface px-3 shadow-raised focus-within:border-accent">
      <Search size={17} className="shrink-0 text-soft" aria-hidden />
      <span className="sr-only">{label}</span>
      <input
        ref={box}
        type="search"
        autoFocus={autoFocus}
        autoComplete="off"
        spellCheck={false}
        value={typed}
        placeholder={placeholder}
        onChange={(event) => {
          const at_ms = performance.now();
          key.current = { at_ms, isQuick: at_ms - key.current.at_ms < REST_MS };
          setTyped(event.target.value);
        }}
        onBlur={() => (begun.current = false)}
        onKeyDown={(event) => {
          if (!onEnter || event.nativeEvent.isComposing || (event.key !== "Enter" && event.key !== "ArrowDown")) return;
          event.preventDefault();
          onEnter(typed, event.key);
        }}
        className="h-full min-w-0 flex-1 bg-transparent outline-none placeholder:text-soft"
      />
      <kbd className="hidden rounded border px-1.5 text-xs text-soft sm:block">/</kbd>
    </label>
  );
}

/** One filter that is on. */
export function Chip({ children, onRemove }: { children: ReactNode; onRemove: () => void }) {
  const { t } = useTranslation("app");
  return (
    <span className="inline-flex h-7 items-center gap-1 rounded-full bg-accent-wash pr-1 pl-2.5 text-accent">
      {children}
      <button type="button" onClick={onRemove} aria-label={t("filters.remove")} className="grid size-6 place-items-center rounded-full hover:bg-surface">
        <X size={13} aria-hidden />
      </button>
    </span>
  );
}

/** Search, filters and what can be done, in one line where there is room; on a telephone what does not fit is moved into sight by hand. */
export function FilterRow({ search, actions, children }: { search?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center gap-2">
      {search}
      <div className="-m-1 flex max-w-[calc(100%+0.5rem)] flex-nowrap items-center gap-2 overflow-x-auto p-1 *:shrink-0 sm:contents">
        {children}
        {actions && <span className="contents max-sm:order-first max-sm:flex max-sm:gap-2">{actions}</span>}
      </div>
    </div>
  );
}

/** A filter that is on or off. */
export function Toggle({ on, onChange, children }: { on: boolean; onChange: (on: boolean) => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={() => onChange(!on)}
      className={`h-10 rounded-lg border px-3.5 font-medium whitespace-nowrap ${on ? "border-accent bg-accent-wash text-accent" : "bg-surface hover:bg-raised"}`}
    >
      {children}
    </button>
  );
}

/** A filter by one of several words; as long as one is chosen, it can be taken away. */
export function SelectFilter({
  label,
  any,
  options,
  value,
  onChange,
}: {
  label: string;
  /** What it says where all of them fit. */
  any: string;
  options: readonly (readonly [value: string, name: string])[];
  value: string;
  onChange: (value: string) => void;
}) {
  const { t } = useTranslation("app");
  const on = value !== "";
  // A word that is not among them stands in the address: it is shown, so that it can be taken away.
  const all = on && !options.some(([word]) => word === value) ? [...options, [value, value] as const] : options;
  return (
    <span className={clsx("inline-flex h-10 max-w-full items-center rounded-lg border", on ? "border-accent bg-accent-wash text-accent" : "bg-surface hover:bg-raised")}>
      <select
        aria-label={label}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className={clsx("h-full max-w-full min-w-0 rounded-lg bg-transparent pr-2 pl-3 focus-visible:outline-offset-[-2px]", on && "font-medium")}
      >
        <option value="" className="bg-surface text-ink">
          {any}
        </option>
        {all.map(([word, name]) => (
          <option key={word} value={word} className="bg-surface text-ink">
            {name}
          </option>
        ))}
      </select>
      {on && (
        <button type="button" onClick={() => onChange("")} aria-label={t("filters.removeNamed", { name: label })} className="mr-1 grid size-7 shrink-0 place-items-center rounded-full hover:bg-surface">
          <X size={14} aria-hidden />
        </button>
      )}
    </span>
  );
}
