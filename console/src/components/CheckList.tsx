// Some of a few: boxes to tick, each with a word about what it means.
import { useId, type ReactNode } from "react";

export function CheckList({
  label,
  options,
  chosen,
  onChange,
}: {
  label: string;
  options: { value: string; name: string; hint?: ReactNode }[];
  chosen: string[];
  onChange: (chosen: string[]) => void;
}) {
  const id = useId();
  return (
    <fieldset className="space-y-1.5">
      <legend className="mb-1 font-medium">{label}</legend>
      {options.map(({ value, name, hint }) => (
        <label key={value} className="flex cursor-pointer items-start gap-2.5 rounded-md border px-3 py-2 hover:bg-raised has-checked:border-accent has-checked:bg-accent-wash">
          <input
            type="checkbox"
            aria-labelledby={`${id}-${value}`}
            aria-describedby={hint === undefined ? undefined : `${id}-${value}-hint`}
            className="mt-0.5 size-4 shrink-0 accent-accent"
            checked={chosen.includes(value)}
            onChange={(event) => onChange(event.target.checked ? [...chosen, value] : chosen.filter((other) => other !== value))}
          />
          <span className="min-w-0">
            <span id={`${id}-${value}`} className="block font-medium">
              {name}
            </span>
            {hint !== undefined && (
              <span id={`${id}-${value}-hint`} className="block text-xs text-soft">
                {hint}
              </span>
            )}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
