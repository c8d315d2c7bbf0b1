// What to type at a new device, so that it comes to be on the list.
import { useTranslation } from "react-i18next";
import { Facts } from "../../../components/basics";
import { addressOf, type Door } from "./waiting";

/** The title by which devices call here unless they are registered for another one. */
const CALLED = "YINGDUN";

export function HowToCall({ doors, open, below }: { doors: Door[]; open: boolean; below: boolean }) {
  const { t } = useTranslation("waitingDevices");
  const here = window.location.hostname;
  return (
    <details className={below ? "border-t" : ""} open={open}>
      <summary className="cursor-pointer px-4 py-2 text-soft hover:text-ink">{t("how.title")}</summary>
      <div className="space-y-3 px-4 pb-4">
        {doors.length === 0 ? (
          <p>{t("how.noDoor")}</p>
        ) : (
          <>
            <p>{t("how.what")}</p>
            <Facts
              of={[
                ...doors.map((door): [string, React.ReactNode] => [
                  t(door.tls ? "how.tls" : "how.plain"),
                  <code key={door.port} className="font-mono select-all">
                    {addressOf(door, here)}
                  </code>,
                ]),
                [t("how.called"), <code key="called" className="font-mono select-all">{CALLED}</code>],
                [t("how.own"), t("how.ownHint")],
                ...(doors.some((door) => door.tls) ? [[t("how.certificate"), t("how.certificateHint")] as [string, React.ReactNode]] : []),
              ]}
            />
            <p className="text-soft">{t("how.then")}</p>
          </>
        )}
      </div>
    </details>
  );
}
