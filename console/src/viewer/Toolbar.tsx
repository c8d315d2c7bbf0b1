// What can be done with pictures, by mouse. Each button says its key.
import { Menu } from "@base-ui/react/menu";
import { clsx } from "clsx";
import {
  Box,
  Camera,
  ChevronDown,
  Circle,
  Columns2,
  Contrast,
  Crosshair,
  Expand,
  FlipHorizontal2,
  FlipVertical2,
  GitCompareArrows,
  Grid2x2,
  Keyboard,
  Link2,
  Move,
  Pause,
  Play,
  Printer,
  RectangleHorizontal,
  RotateCcw,
  RotateCw,
  SlidersHorizontal,
  Ruler,
  Square,
  SunMedium,
  Trash2,
  Triangle,
  ZoomIn,
  type LucideIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { shownFor, toldFor, TOOLS, type Command, type Tool } from "./keys";
import { PRESETS } from "./windows";

export type Layout = "one" | "two" | "four" | "mpr";

const TOOL_ICONS: Record<Tool, LucideIcon> = {
  window: SunMedium,
  zoom: ZoomIn,
  pan: Move,
  length: Ruler,
  angle: Triangle,
  ellipse: Circle,
  rectangle: RectangleHorizontal,
  crosshair: Crosshair,
};

const LAYOUTS: readonly [Layout, LucideIcon][] = [
  ["one", Square],
  ["two", Columns2],
  ["four", Grid2x2],
];

interface ToolbarProps {
  tool: Tool;
  layout: Layout;
  onLayout: (layout: Layout) => void;
  run: (command: Command) => void;
  playing: boolean;
  speed: number;
  linked: boolean;
  comparing: boolean;
  /** What there is to do it with. */
  can: { mpr: boolean; compare: boolean; presets: boolean; link: boolean; cine: boolean; copy: boolean };
}

export function Toolbar({ tool, layout, onLayout, run, playing, speed, linked, comparing, can }: ToolbarProps) {
  const { t } = useTranslation("viewer");
  const doing = (name: string, command: Command, Icon: LucideIcon, on?: boolean) => (
    <Action key={name} name={t(`keys.${name}`)} keyOf={name} on={on} onClick={() => run(command)}>
      <Icon size={17} aria-hidden />
    </Action>
  );
  return (
    <div role="toolbar" aria-label={t("tools")} className="flex min-w-0 items-center gap-1 sm:flex-wrap max-sm:overflow-x-auto">
      {TOOLS.map((one) => doing(one, { do: "tool", tool: one }, TOOL_ICONS[one], tool === one))}
      {layout === "mpr" && doing("crosshair", { do: "tool", tool: "crosshair" }, Crosshair, tool === "crosshair")}
      {doing("remove", { do: "remove" }, Trash2)}
      <Line />
      {can.presets && <Presets run={run} />}
      {doing("invert", { do: "invert" }, Contrast)}
      {doing("flipHorizontal", { do: "flipHorizontal" }, FlipHorizontal2)}
      {doing("flipVertical", { do: "flipVertical" }, FlipVertical2)}
      {doing("rotate", { do: "rotate" }, RotateCw)}
      {doing("fit", { do: "fit" }, Expand)}
      {doing("reset", { do: "reset" }, RotateCcw)}
      <Line />
      {can.cine && doing("cine", { do: "cine" }, playing ? Pause : Play, playing)}
      {playing && <span className="px-1 text-xs text-soft">{t("speed", { count: speed })}</span>}
      {LAYOUTS.map(([one, Icon]) => (
        <Action key={one} name={t(`layouts.${one}`)} keyOf="layout" on={layout === one} onClick={() => onLayout(one)}>
          <Icon size={17} aria-hidden />
        </Action>
      ))}
      {can.mpr && doing("mpr", { do: "mpr" }, Box, layout === "mpr")}
      {can.compare && doing("compare", { do: "compare" }, GitCompareArrows, comparing)}
      {can.link && doing("link", { do: "link" }, Link2, linked)}
      <Line />
      {can.copy && doing("capture", { do: "capture" }, Camera)}
      {can.copy && doing("print", { do: "print" }, Printer)}
      {doing("help", { do: "help" }, Keyboard)}
    </div>
  );
}

// === helpers ===

function Action({ name, keyOf, on, onClick, children }: { name: string; keyOf: string; on: boolean | undefined; onClick: () => void; children: ReactNode }) {
  const shown = shownFor(keyOf);
  return (
    <button
      type="button"
      title={shown === "" ? name : `${name} (${shown})`}
      aria-label={name}
      aria-keyshortcuts={toldFor(keyOf)}
      aria-pressed={on}
      // A click leaves the keyboard where it was: with the picture.
      onPointerDown={(event) => event.preventDefault()}
      onClick={onClick}
      className={clsx("grid size-8 shrink-0 place-items-center rounded-md", on === true ? "bg-accent text-accent-ink" : "hover:bg-accent-wash")}
    >
      {children}
    </button>
  );
}

function Presets({ run }: { run: (command: Command) => void }) {
  const { t } = useTranslation("viewer");
  const entries = [...PRESETS.map((preset) => ({ label: t(`presets.${preset.name}`), values: `${preset.width} / ${preset.center}` })), { label: t("presets.own"), values: "" }];
  return (
    <Menu.Root>
      <Menu.Trigger title={t("presetsTitle")} className="flex h-8 shrink-0 items-center gap-1 rounded-md px-2 whitespace-nowrap hover:bg-accent-wash">
        <SlidersHorizontal size={15} aria-hidden />
        {t("presetsTitle")}
        <ChevronDown size={14} aria-hidden />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} className="z-40">
          <Menu.Popup className="min-w-52 rounded-lg border bg-surface p-1 text-ink shadow-raised">
            {entries.map(({ label, values }, index) => (
              <Menu.Item
                key={label}
                onClick={() => run({ do: "preset", preset: index })}
                className="flex cursor-pointer items-center gap-3 rounded-md px-3 py-1.5 data-highlighted:bg-accent-wash"
              >
                <Digit shown={shownFor(`preset${index + 1}`)} />
                <span className="flex-1">{label}</span>
                <span className="text-xs text-soft">{values}</span>
              </Menu.Item>
            ))}
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

/** The key of an entry, as wide as all of them. */
function Digit({ shown }: { shown: string }) {
  return shown === "" ? <span className="w-5" /> : <kbd className="min-w-5 rounded border px-0.5 text-center text-xs text-soft">{shown}</kbd>;
}

function Line() {
  return <span aria-hidden className="mx-1 h-5 w-px shrink-0 bg-line" />;
}
