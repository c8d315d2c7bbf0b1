// Every device that may call or be called, and one of them beside the list.
import { LockKeyhole, Plus, TriangleAlert } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import { Badge, Button, Empty, type Tone } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { useFilters } from "../../components/Filters";
import { ListScreen } from "../../components/ListScreen";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import { DeviceForm } from "./DeviceForm";
import { DevicePanel } from "./DevicePanel";
import { fitting, STANDINGS, standingOf, type Device } from "./devices";
import en from "./en.json";
import zh from "./zh-CN.json";
import { useDevices } from "./queries";
import { WaitingDevices } from "./waiting/WaitingDevices";

addTexts("devices", { "zh-CN": zh, en });

const TONES: Record<(typeof STANDINGS)[number], Tone> = { tls: "good", plain: "warn", disabled: "bad" };

export default function Devices() {
  const { t } = useTranslation("devices");
  const accounts = useMe().data?.actions.includes("manage-accounts") ?? false;
  const [filters, change] = useFilters(["text", "standing"]);
  const [chosen, choose] = useChosen("device");
  const [registering, setRegistering] = useState(false);
  const devices = useDevices();
  const rows = useMemo(() => fitting(devices.data ?? [], filters), [devices.data, filters]);
  const device = devices.data?.find((one) => keyOf(one) === chosen);
  const columns = useColumns();
  return (
    <ListScreen
      name="devices"
      label={t("search")}
      filters={filters}
      change={change}
      search={{ label: t("search"), placeholder: t("placeholder") }}
      choices={[{ name: "standing", label: t("connection"), any: t("anyConnection"), options: STANDINGS.map((standing) => [standing, t(`standings.${standing}`)]) }]}
      actions={
        accounts && (
          <Button look="primary" className="h-10" onClick={() => setRegistering(true)}>
            <Plus size={16} aria-hidden />
            {t("register")}
          </Button>
        )
      }
      above={
        accounts && (
          <WaitingDevices devices={devices.data ?? []} onRegistered={(title, called) => choose(`${title}→${called}`)} onLook={(known) => choose(keyOf(known))} />
        )
      }
      found={devices}
      rows={rows}
      columns={columns}
      rowKey={keyOf}
      chosen="device"
      side={device && <DevicePanel key={keyOf(device)} device={device} />}
      unchosen={t("select")}
      empty={<Empty title={t(devices.data?.length === 0 ? "none" : "empty")}>{t(devices.data?.length === 0 ? "noneHelp" : "emptyHelp")}</Empty>}
      cli="yingdun device list"
      path="/api/v1/devices"
    >
      {registering && (
        <DeviceForm
          device={null}
          onClose={() => setRegistering(false)}
          onDone={(title, called) => {
            choose(`${title}→${called}`);
            setRegistering(false);
          }}
        />
      )}
    </ListScreen>
  );
}

// === helpers ===

/** A record is of a pair of titles. */
function keyOf(device: Device): string {
  return `${device.ae_title}→${device.called_ae}`;
}

function useColumns(): Column<Device>[] {
  const { t, i18n } = useTranslation("devices");
  return useMemo(
    () => [
      { key: "ae_title", title: t("aeTitle"), width: "minmax(8rem, 1fr)", narrow: "minmax(7rem, 1fr)", cell: (row) => <span className="font-medium">{row.ae_title}</span>, text: (row) => row.ae_title },
      {
        key: "connection",
        title: t("connection"),
        width: "8rem",
        narrow: "7.5rem",
        cell: (row) => {
          const standing = standingOf(row);
          const icon = standing === "tls" ? <LockKeyhole size={12} aria-hidden /> : <TriangleAlert size={12} aria-hidden />;
          return (
            <Badge tone={TONES[standing]} icon={icon}>
              {t(`standings.${standing}`)}
            </Badge>
          );
        },
        text: (row) => t(`standings.${standingOf(row)}`),
      },
      { key: "addresses", title: t("addresses"), width: "minmax(9rem, 1fr)", narrow: false, cell: (row) => row.addresses.join(", "), text: (row) => row.addresses.join(" ") },
      {
        key: "scopes",
        title: t("scopes.title"),
        width: "minmax(10rem, 1.3fr)",
        narrow: "6.5rem",
        cell: (row) => (
          <span className="flex gap-1">
            {row.scopes.map((scope) => (
              <Badge key={scope}>{t(`scopes.${scope}`)}</Badge>
            ))}
          </span>
        ),
        text: (row) => row.scopes.join(" "),
      },
      { key: "destination", title: t("destination"), width: "minmax(9rem, 1fr)", narrow: false, cell: (row) => row.destination ?? "", text: (row) => row.destination ?? "" },
      { key: "called_ae", title: t("calledAe"), width: "9rem", narrow: false, cell: (row) => row.called_ae, text: (row) => row.called_ae, spare: true },
    ],
    [t, i18n.language],
  );
}
