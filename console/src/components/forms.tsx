// Fields of forms, each with its name above it and what is wrong below it.
import { clsx } from "clsx";
import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from "react";
import { useId } from "react";

const BOX =
  "w-full rounded-md border bg-surface px-2.5 text-ink placeholder:text-soft aria-invalid:border-bad disabled:opacity-60";

interface Around {
  label: string;
  hint?: ReactNode;
  fault?: string | undefined;
}

export function TextField({
  label,
  hint,
  fault,
  className,
  ...rest
}: Around & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} fault={fault} className={className}>
      <input
        id={id}
        aria-invalid={fault !== undefined || undefined}
        aria-describedby={`${id}-hint`}
        className={clsx(BOX, "h-9")}
        {...rest}
      />
    </Labelled>
  );
}

export function TextArea({
  label,
  hint,
  fault,
  className,
  ...rest
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} fault={fault} className={className}>
      <textarea
        id={id}
        rows={3}
        aria-invalid={fault !== undefined || undefined}
        aria-describedby={`${id}-hint`}
        className={clsx(BOX, "py-1.5")}
        {...rest}
      />
    </Labelled>
  );
}

export function Choice({
  label,
  hint,
  fault,
  options,
  className,
  ...rest
}: Around & SelectHTMLAttributes<HTMLSelectElement> & { options: [string, string][] }) {
  const id = useId();
  return (
    <Labelled id={id} label={label} hint={hint} fault={fault} className={className}>
      <select id={id} aria-describedby={`${id}-hint`} className={clsx(BOX, "h-9")} {...rest}>
        {options.map(([value, name]) => (
          <option key={value} value={value}>
            {name}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

// === helpers ===

function Labelled({
  id,
  label,
  hint,
  fault,
  className,
  children,
}: Around & { id: string; className?: string | undefined; children: ReactNode }) {
  return (
    <div className={clsx("space-y-1", className)}>
      <label htmlFor={id} className="block font-medium">
        {label}
      </label>
      {children}
      <p id={`${id}-hint`} className={clsx("text-xs", fault === undefined ? "text-soft" : "text-bad")}>
        {fault ?? hint}
      </p>
    </div>
  );
}
