// Which screens there are, for whom, and where. A screen is drawn for who may do one of its actions at all; what is done there is decided by
// the server each time.
import {
  BellRing,
  ClipboardCheck,
  Eye,
  FileClock,
  Handshake,
  HardDrive,
  Hourglass,
  KeyRound,
  Layers,
  LayoutDashboard,
  MonitorSmartphone,
  Scale,
  ScanSearch,
  Server,
  ShieldOff,
  Upload,
  Users,
  type LucideIcon,
} from "lucide-react";
import { lazy, type ComponentType } from "react";
import { APPROVING } from "../screens/approvals/cases";
import { DevicesThatWait, NewAlerts, WaitingCases } from "./counts";

export interface Screen {
  /** Where it is, below the console. */
  path: string;
  /** Its name among the texts: `screens.<name>`. */
  name: string;
  icon: LucideIcon;
  /** One of these actions has to be possible; none means everybody. */
  needs: readonly string[];
  Screen: ComponentType;
  /** How much of it waits, beside its name in the menu. */
  Count?: ComponentType;
}

/** In the order of the menu. */
const SCREENS: readonly Screen[] = [
  {
    path: "overview",
    name: "overview",
    icon: LayoutDashboard,
    needs: ["read-audit", "manage-rights", "read-system"],
    Screen: lazy(() => import("../screens/overview/Overview")),
  },
  {
    path: "studies",
    name: "studies",
    icon: Layers,
    needs: ["search"],
    Screen: lazy(() => import("../screens/studies/Studies")),
  },
  {
    path: "upload",
    name: "upload",
    icon: Upload,
    needs: ["store"],
    Screen: lazy(() => import("../screens/upload/Upload")),
  },
  {
    path: "approvals",
    name: "approvals",
    icon: ClipboardCheck,
    needs: APPROVING,
    Screen: lazy(() => import("../screens/approvals/Approvals")),
    Count: WaitingCases,
  },
  {
    path: "alerts",
    name: "alerts",
    icon: BellRing,
    needs: ["review-alerts", "lift-stop"],
    Screen: lazy(() => import("../screens/alerts/Alerts")),
    Count: NewAlerts,
  },
  {
    path: "audit",
    name: "audit",
    icon: FileClock,
    needs: ["read-audit"],
    Screen: lazy(() => import("../screens/audit/Audit")),
  },
  {
    path: "accesses",
    name: "accesses",
    icon: Eye,
    needs: [],
    Screen: lazy(() => import("../screens/accesses/Accesses")),
  },
  {
    path: "leaks",
    name: "leaks",
    icon: ScanSearch,
    needs: ["read-audit"],
    Screen: lazy(() => import("../screens/leaks/Leaks")),
  },
  {
    path: "grants",
    name: "grants",
    icon: Hourglass,
    needs: ["search", "manage-rights", "review-break-glass"],
    Screen: lazy(() => import("../screens/grants/Grants")),
  },
  {
    path: "people",
    name: "people",
    icon: Users,
    needs: ["manage-accounts", "manage-rights"],
    Screen: lazy(() => import("../screens/people/People")),
  },
  {
    path: "devices",
    name: "devices",
    icon: MonitorSmartphone,
    needs: ["manage-accounts", "manage-rights", "echo"],
    Screen: lazy(() => import("../screens/devices/Devices")),
    Count: DevicesThatWait,
  },
  {
    path: "keys",
    name: "keys",
    icon: KeyRound,
    needs: ["manage-keys"],
    Screen: lazy(() => import("../screens/keys/Keys")),
  },
  {
    path: "storage",
    name: "storage",
    icon: HardDrive,
    needs: ["read-system", "manage-storage"],
    Screen: lazy(() => import("../screens/storage/Storage")),
  },
  {
    path: "system",
    name: "system",
    icon: Server,
    needs: ["read-health", "read-system", "read-configuration"],
    Screen: lazy(() => import("../screens/system/System")),
  },
  {
    path: "dissents",
    name: "dissents",
    icon: ShieldOff,
    needs: ["manage-rights"],
    Screen: lazy(() => import("../screens/dissents/Dissents")),
  },
  {
    path: "consents",
    name: "consents",
    icon: Handshake,
    needs: ["manage-rights"],
    Screen: lazy(() => import("../screens/consents/Consents")),
  },
  {
    path: "holds",
    name: "holds",
    icon: Scale,
    needs: ["manage-holds", "approve-release"],
    Screen: lazy(() => import("../screens/holds/Holds")),
  },
];

/** The screens that a role sees. */
export function screensOf(actions: readonly string[]): Screen[] {
  return SCREENS.filter((screen) => screen.needs.length === 0 || screen.needs.some((action) => actions.includes(action)));
}
