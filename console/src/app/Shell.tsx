// What is around every screen: the menu of what a role may do, who is signed in, and how the console looks.
import { Menu } from "@base-ui/react/menu";
import { clsx } from "clsx";
import { ChevronDown, Languages, LogOut, Menu as MenuIcon, Monitor, Moon, ShieldCheck, Sun, UserRound } from "lucide-react";
import { Suspense, useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link, Navigate, NavLink, Route, Routes, useLocation, useNavigate } from "react-router";
import { api } from "../api/client";
import { useMe, type Me } from "../api/queries";
import { BreakGlass } from "../components/BreakGlass";
import { Empty, Loading } from "../components/basics";
import { JobTray } from "../components/JobTray";
import { speak } from "../i18n";
import { FinderButton } from "./finder/Finder";
import { GlassBanner } from "./GlassBanner";
import mark from "./mark.svg";
import { prefer, usePreferences, type Theme } from "./preferences";
import { screensOf, type Screen } from "./screens";

export function Shell() {
  const { t } = useTranslation("app");
  const me = useMe().data;
  const [open, setOpen] = useState(false);
  const { pathname } = useLocation();
  const navigate = useNavigate();
  useEffect(() => setOpen(false), [pathname]);
  if (!me) return null;
  const screens = screensOf(me.actions);
  const present = screens.find((screen) => pathname.startsWith(`/${screen.path}`));
  return (
    <div className="flex h-full">
      <a href="#main" className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded-md focus:bg-surface focus:px-3 focus:py-2">
        {t("skip")}
      </a>
      <Rail screens={screens} open={open} onClose={() => setOpen(false)} />
      <div className="flex min-w-0 flex-1 flex-col">
        <header className="flex h-14 shrink-0 items-center gap-3 border-b bg-surface px-4">
          <button
            type="button"
            aria-label={t("menu")}
            onClick={() => setOpen(true)}
            className="grid size-9 place-items-center rounded-md hover:bg-accent-wash lg:hidden"
          >
            <MenuIcon size={19} aria-hidden />
          </button>
          <h1 className="min-w-0 flex-1 truncate">{present ? t(`screens.${present.name}`) : t("name")}</h1>
          <FinderButton />
          <JobTray me={me} />
          <BreakGlass compact onOpened={(patientId) => void navigate(`/studies?text=${encodeURIComponent(patientId)}`)} />
          <Appearance />
          <Account me={me} />
        </header>
        <GlassBanner />
        <main id="main" className="flex min-h-0 flex-1 flex-col overflow-auto p-4">
          <Suspense fallback={<Loading />}>
            <Routes>
              {screens.map(({ path, Screen }) => (
                <Route key={path} path={`${path}/*`} element={<Screen />} />
              ))}
              <Route index element={screens[0] ? <Navigate to={`/${screens[0].path}`} replace /> : <Nothing />} />
              <Route path="*" element={<Elsewhere />} />
            </Routes>
          </Suspense>
        </main>
      </div>
    </div>
  );
}

// === helpers ===

function Rail({ screens, open, onClose }: { screens: Screen[]; open: boolean; onClose: () => void }) {
  const { t } = useTranslation("app");
  return (
    <>
      {open && <button type="button" aria-label={t("close")} onClick={onClose} className="fixed inset-0 z-20 bg-black/45 lg:hidden" />}
      <nav
        aria-label={t("menu")}
        className={clsx(
          "z-30 w-56 shrink-0 flex-col bg-rail text-rail-ink",
          open ? "fixed inset-y-0 left-0 flex" : "hidden lg:flex",
        )}
      >
        <Link to="/" className="flex h-14 items-center gap-2.5 px-4">
          <img src={mark} alt="" className="size-7" />
          <span className="text-base font-semibold tracking-wide">
            影盾 <span className="font-normal text-rail-soft">Yingdun</span>
          </span>
        </Link>
        <ul className="flex-1 space-y-0.5 overflow-auto px-2 py-2">
          {screens.map(({ path, name, icon: Icon, Count }) => (
            <li key={path}>
              <NavLink
                to={`/${path}`}
                className={({ isActive }) =>
                  clsx(
                    "flex h-9 items-center gap-3 rounded-md px-3",
                    isActive ? "bg-rail-raised font-medium text-rail-ink" : "text-rail-soft hover:bg-rail-raised hover:text-rail-ink",
                  )
                }
              >
                <Icon size={17} aria-hidden />
                <span className="flex-1">{t(`screens.${name}`)}</span>
                {Count && <Count />}
              </NavLink>
            </li>
          ))}
        </ul>
        <p className="flex items-center gap-2 px-4 py-3 text-xs text-rail-soft">
          <ShieldCheck size={14} aria-hidden />
          {t("everyLook")}
        </p>
      </nav>
    </>
  );
}

function Appearance() {
  const { t } = useTranslation("app");
  const { language, theme } = usePreferences();
  const other = language === "zh-CN" ? "en" : "zh-CN";
  const Icon = theme === "light" ? Sun : theme === "dark" ? Moon : Monitor;
  const next: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
  return (
    <>
      <button
        type="button"
        lang={other}
        onClick={() => {
          prefer({ language: other });
          speak(other);
        }}
        className="hidden h-9 items-center gap-1.5 rounded-md px-2.5 hover:bg-accent-wash sm:inline-flex"
      >
        <Languages size={17} aria-hidden />
        {other === "en" ? "English" : "中文"}
      </button>
      <button
        type="button"
        title={t(`theme.${theme}`)}
        aria-label={t("theme.change", { now: t(`theme.${theme}`) })}
        onClick={() => prefer({ theme: next[theme] })}
        className="grid size-9 place-items-center rounded-md hover:bg-accent-wash"
      >
        <Icon size={17} aria-hidden />
      </button>
    </>
  );
}

function Account({ me }: { me: Me }) {
  const { t } = useTranslation("app");
  const leave = async () => {
    try {
      await api.DELETE("/api/v1/me/sessions/{session}", { params: { path: { session: me.session } } });
    } finally {
      window.location.assign("/login");
    }
  };
  return (
    <Menu.Root>
      <Menu.Trigger className="inline-flex h-9 items-center gap-2 rounded-md px-2 hover:bg-accent-wash">
        <span className="grid size-7 place-items-center rounded-full bg-accent-wash text-accent">
          <UserRound size={16} aria-hidden />
        </span>
        <span className="sr-only text-left leading-tight md:not-sr-only">
          <span className="block font-medium">{me.name}</span>
          <span className="block text-xs text-soft">{t(`roles.${me.role}`)}</span>
        </span>
        <ChevronDown size={15} aria-hidden />
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner sideOffset={6} align="end" className="z-40">
          <Menu.Popup className="min-w-56 rounded-lg border bg-surface p-1 shadow-raised">
            <p className="border-b px-3 py-2 text-soft">
              {me.name} · {t(`roles.${me.role}`)}
            </p>
            <Entry href="/sessions">{t("account.sessions")}</Entry>
            <Entry href="/second-factor">{t("account.secondFactor")}</Entry>
            <Entry href="/passkeys">{t("account.passkeys")}</Entry>
            <Menu.Item
              onClick={() => void leave()}
              className="flex w-full cursor-pointer items-center gap-2 rounded-md px-3 py-2 data-highlighted:bg-accent-wash"
            >
              <LogOut size={15} aria-hidden />
              {t("account.leave")}
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}

function Entry({ href, children }: { href: string; children: ReactNode }) {
  return (
    <Menu.Item
      render={<a href={href} />}
      className="block rounded-md px-3 py-2 data-highlighted:bg-accent-wash"
    >
      {children}
    </Menu.Item>
  );
}

function Nothing() {
  const { t } = useTranslation("app");
  return <Empty title={t("nothing.title")}>{t("nothing.help")}</Empty>;
}

function Elsewhere() {
  const { t } = useTranslation("app");
  return (
    <Empty title={t("elsewhere.title")}>
      <Link to="/" className="text-accent underline">
        {t("elsewhere.home")}
      </Link>
    </Empty>
  );
}
