// The box and what it found: a combobox whose list is always open (ARIA 1.2), so that a screen reader hears each offer while the keyboard stays
// in the box.
import { Dialog as Base } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { clsx } from "clsx";
import { Images, LayoutGrid, MonitorSmartphone, Search, UserRound, type LucideIcon } from "lucide-react";
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { api, body } from "../../api/client";
import { useMe } from "../../api/queries";
import { addTexts } from "../../i18n";
import { nameOf, timeOf } from "../../screens/studies/columns";
import type { Study } from "../../screens/studies/query";
import { viewerOf } from "../../viewer/load";
import { screensOf } from "../screens";
import en from "./en.json";
import { namedFor, nextOf, OFFERED_MAX, screensFor, studiesFor, type Group, type Offer } from "./found";
import zh from "./zh-CN.json";

addTexts("finder", { "zh-CN": zh, en });

/** Each search of studies is a record of the audit log: it waits until the hand rests. */
const REST_MS = 150;
const ICONS: Record<Group["name"], LucideIcon> = { screens: LayoutGrid, studies: Images, people: UserRound, devices: MonitorSmartphone };

export default function Palette({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation("finder");
  const id = useId();
  const navigate = useNavigate();
  const box = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const { groups, searching, failed } = useFound(typed);
  const offers = groups.flatMap((group) => group.offers);
  const active = offers[Math.min(at, offers.length - 1)];
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [active?.key]);
  const go = (offer: Offer) => {
    onClose();
    void navigate(offer.to);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") setAt(nextOf(Math.min(at, offers.length - 1), event.key === "ArrowDown" ? 1 : -1, offers.length));
    else if (event.key === "Enter" && active) go(active);
    else return;
    event.preventDefault();
  };
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fixed inset-0 z-40 bg-black/45" />
        <Base.Popup initialFocus={box} className="fixed top-[12vh] left-1/2 z-50 flex max-h-[70vh] w-[94vw] max-w-xl -translate-x-1/2 flex-col rounded-xl border bg-surface text-ink shadow-raised">
          <Base.Title className="sr-only">{t("open")}</Base.Title>
          <div className="flex h-12 shrink-0 items-center gap-2.5 border-b px-4">
            <Search size={18} className="shrink-0 text-soft" aria-hidden />
            <input
              ref={box}
              role="combobox"
              aria-label={t("open")}
              aria-expanded
              aria-autocomplete="list"
              aria-controls={`${id}-list`}
              aria-activedescendant={active && `${id}-${active.key}`}
              autoComplete="off"
              spellCheck={false}
              maxLength={64}
              value={typed}
              placeholder={t("placeholder")}
              onChange={(event) => {
                setTyped(event.target.value);
                setAt(0);
              }}
              onKeyDown={pressed}
              className="h-full min-w-0 flex-1 bg-transparent outline-none placeholder:text-soft"
            />
          </div>
          <div ref={list} id={`${id}-list`} role="listbox" aria-label={t("list")} className="min-h-0 flex-1 overflow-auto p-2">
            {groups.map(({ name, offers: of }) => (
              <Offers key={name} id={id} name={name} of={of} active={active} onGo={go} />
            ))}
          </div>
          <p role="status" className="border-t px-4 py-2 text-xs text-soft">
            {t(searching ? "searching" : failed ? "failed" : offers.length === 0 ? "nothing" : "keys")}
          </p>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

// === helpers ===

function Offers({ id, name, of, active, onGo }: { id: string; name: Group["name"]; of: Offer[]; active: Offer | undefined; onGo: (offer: Offer) => void }) {
  const { t } = useTranslation("finder");
  const Icon = ICONS[name];
  return (
    <div role="group" aria-labelledby={`${id}-${name}`}>
      <p id={`${id}-${name}`} className="px-2 pt-1.5 pb-1 text-xs font-medium text-soft">
        {t(`groups.${name}`)}
      </p>
      {of.map((offer) => (
        <div
          key={offer.key}
          id={`${id}-${offer.key}`}
          role="option"
          aria-selected={offer.key === active?.key}
          // The keyboard stays in the box.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onGo(offer)}
          className={clsx("flex min-h-9 cursor-pointer items-center gap-2.5 rounded-md px-2 py-1.5", offer.key === active?.key ? "bg-accent-wash" : "hover:bg-raised")}
        >
          <Icon size={16} className="shrink-0 text-soft" aria-hidden />
          <span className="shrink-0 font-medium">{offer.name}</span>
          <span className="min-w-0 flex-1 truncate text-right text-soft">{offer.beside}</span>
        </div>
      ))}
    </div>
  );
}

/** What there is for what was typed. Only what belongs to exactly these letters is offered, so that Enter opens nothing that was found before. */
function useFound(typed: string): { groups: Group[]; searching: boolean; failed: boolean } {
  const { t } = useTranslation("app");
  const actions = useMe().data?.actions ?? [];
  const text = typed.trim();
  const rested = useRested(text);
  const isOfficer = actions.includes("manage-accounts") || actions.includes("manage-rights");
  const maySearch = actions.includes("search");
  const studies = useQuery({
    queryKey: ["finder", rested],
    queryFn: async ({ signal }) => (await body(api.GET("/api/v1/studies/search", { params: { query: { text: rested, limit: OFFERED_MAX } }, signal }))).studies as Study[],
    enabled: maySearch && rested !== "",
    retry: false,
    // What was typed here is forgotten with the box.
    gcTime: 0,
  });
  const people = useQuery({ queryKey: ["people"], queryFn: () => body(api.GET("/api/v1/people")), enabled: isOfficer && rested !== "", staleTime: 30_000 });
  const devices = useQuery({
    queryKey: ["devices"],
    queryFn: async () => (await body(api.GET("/api/v1/devices"))) as unknown as { ae_title: string; called_ae: string }[],
    enabled: isOfficer && rested !== "",
    staleTime: 30_000,
  });
  const screens = screensOf(actions).map(({ path, name }) => ({ path, name: t(`screens.${name}`) }));
  const isPresent = text === rested;
  const words = (study: Study) => ({
    name: nameOf(study),
    beside: [study.patient.id, study.description, timeOf(study)].filter(Boolean).join(" · "),
  });
  const placeOf = (study: Study) => (actions.includes("view") ? viewerOf(study.study_uid) : `/studies?text=${encodeURIComponent(text)}&study=${encodeURIComponent(study.study_uid)}`);
  const groups: Group[] = [
    { name: "screens", offers: screensFor(text, screens) },
    { name: "studies", offers: isPresent ? studiesFor(studies.data ?? [], words, placeOf) : [] },
    { name: "people", offers: namedFor(text, "person", (people.data ?? []).map((one) => ({ name: one.name, beside: one.roles.map((role) => t(`roles.${role}`, { defaultValue: role })).join("、") }))) },
    { name: "devices", offers: namedFor(text, "device", (devices.data ?? []).map((one) => ({ name: one.ae_title, beside: "" }))) },
  ];
  const searching = maySearch && text !== "" && (!isPresent || studies.isFetching);
  return { groups: groups.filter((group) => group.offers.length > 0), searching, failed: !searching && studies.isError };
}

/** The text once nothing was typed for a moment. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}
