// Where a person belongs: departments and devices, until when.
import { Building2, MonitorSmartphone } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Panel, When } from "../../components/basics";
import { placesOf } from "./departments";
import { useDepartments } from "./queries";

export function Memberships({ name }: { name: string }) {
  const { t } = useTranslation("people");
  const departments = useDepartments();
  const places = departments.data ? placesOf(departments.data, name) : [];
  if (places.length === 0) return null;
  return (
    <Panel title={t("belongs.title")}>
      <ul className="space-y-2 p-4">
        {places.map(({ member, place, device }) => (
          <li key={`${place}-${member.valid_from_ms}`} className="flex items-center gap-2">
            {device ? <MonitorSmartphone size={15} aria-hidden /> : <Building2 size={15} aria-hidden />}
            {device ? (
              <span>{place}</span>
            ) : (
              <Link className="text-accent underline" to={`/people/departments?department=${member.department}`}>
                {place}
              </Link>
            )}
            <span className="ml-auto text-xs text-soft">
              {t("belongs.until")} <When ms={member.valid_until_ms} exact />
            </span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}
