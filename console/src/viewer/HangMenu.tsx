// The protocol by which the study hangs, and the others that fit: by mouse, or by their digits.
import { Menu } from "@base-ui/react/menu";
import { Check, ChevronDown, LayoutDashboard } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { addTexts } from "../i18n";
import { shownFor } from "./keys";
import en from "./hanging.en.json";
import zh from "./hanging.zh-CN.json";

addTexts("hanging", { "zh-CN": zh, en });

interface HangMenuProps {
  open: boolean;
  onOpen: (open: boolean) => void;
  /** Names of protocols; of those that open another study, its date. */
  items: readonly { name: string; opens: string }[];
  current: string | null;
  /** Nothing: as the study says. */
  onChoose: (name: string | null) => void;
}

export function HangMenu({ open, onOpen, items, current, onChoose }: HangMenuProps) {
  const { t } = useTranslation("hanging");
  const name = current === null ? t("none") : t(`protocols.${current}`);
  // Opened by its key it leaves the keyboard with the picture; opened at its button, with that.
  const byButton = useRef(false);
  const choose = (one: string | null) => {
    onOpen(false);
    onChoose(one);
  };
  const byDigit = useRef<(digit: number) => boolean>(() => false);
  byDigit.current = (digit) => {
    const chosen = digit === 0 ? null : items[digit - 1]?.name;
    if (chosen === undefined) return false;
    choose(chosen);
    return true;
  };
  useEffect(() => {
    if (!open) return;
    // A digit counts from the moment in which the menu is asked for, before the keyboard has come to it.
    const pressed = (event: KeyboardEvent) => {
      const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
      if (digit === undefined || event.ctrlKey || event.altKey || event.metaKey || !byDigit.current(Number(digit))) return;
      event.preventDefault();
      event.stopPropagation();
    };
    window.addEventListener("keydown", pressed, { capture: true });
    return () => window.removeEventListener("keydown", pressed, { capture: true });
  }, [open]);
  const item = (digit: number, one: string | null, words: string, aside: string) => (
    <Menu.Item
      key={digit}
      data-protocol={one ?? "auto"}
      onClick={() => choose(one)}
      className="flex cursor-pointer items-center gap-3 rounded-md px-3 py-1.5 data-highlighted:bg-accent-wash"
    >
      {digit < 10 ? <kbd className="w-5 rounded border text-center text-xs text-soft">{digit}</kbd> : <span className="w-5" />}
      <span className="flex-1">
        {words}
        {aside !== "" && <span className="block text-xs text-soft">{aside}</span>}
      </span>
      {one !== null && one === current && <Check size={15} aria-hidden />}
    </Menu.Item>
  );
  return (
    <Menu.Root
      open={open}
      onOpenChange={(next) => {
        if (next) byButton.current = true;
        onOpen(next);
      }}
    >
      <Menu.Trigger
        title={`${t("menu")} (${shownFor("hang")})`}
        aria-label={t("now", { name })}
        data-hanging={current ?? "none"}
        className="flex h-8 max-w-56 shrink-0 items-center gap-1.5 rounded-md border px-2 hover:bg-accent-wash"
      >
        <LayoutDashboard size={15} aria-hidden className="shrink-0" />
        <span className="truncate">{name}</span>
        <ChevronDown size={14} aria-hidden className="shrink-0" />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} className="z-40">
          <Menu.Popup
            finalFocus={() => {
              const returns = byButton.current;
              byButton.current = false;
              return returns;
            }}
            className="min-w-64 rounded-lg border bg-surface p-1 text-ink shadow-raised"
          >
            {items.map((one, index) => item(index + 1, one.name, t(`protocols.${one.name}`), one.opens === "" ? "" : t("opens", { date: one.opens })))}
            <Menu.Separator className="my-1 h-px bg-line" />
            {item(0, null, t("byItself"), "")}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
