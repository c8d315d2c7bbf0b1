// The state of the system, how it is set up, and by which doors it is reached; of each as much as the role may read.
import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";
import { useMe } from "../../api/queries";
import { SubNavigation } from "../../components/SubNavigation";
import { addTexts } from "../../i18n";
import { ConfigurationPlace } from "./Configuration";
import en from "./en.json";
import { HealthPlace } from "./Health";
import { InterfacesPlace } from "./Interfaces";
import zh from "./zh-CN.json";

addTexts("system", { "zh-CN": zh, en });

export default function System() {
  const { t } = useTranslation("system");
  const actions = useMe().data?.actions ?? [];
  const health = actions.includes("read-health");
  const configuration = actions.includes("read-configuration");
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <SubNavigation
        label={t("places.label")}
        places={[
          ...(health ? [{ to: "/system", name: t("places.health"), end: true }] : []),
          ...(configuration
            ? [
                { to: "/system/configuration", name: t("places.configuration") },
                { to: "/system/interfaces", name: t("places.interfaces") },
              ]
            : []),
        ]}
      />
      <Routes>
        {health && <Route index element={<HealthPlace whole={actions.includes("read-system")} configured={configuration} />} />}
        {configuration && <Route path="configuration" element={<ConfigurationPlace />} />}
        {configuration && <Route path="interfaces" element={<InterfacesPlace />} />}
        <Route path="*" element={<Navigate to={health ? "/system" : "/system/configuration"} replace />} />
      </Routes>
    </div>
  );
}
