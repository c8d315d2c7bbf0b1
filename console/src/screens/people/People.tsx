// Who and what has an account: people, departments, programs. Accounts are the office of the system administrator, rights that of the
// security administrator; each sees what the other does and does only the own half.
import { useTranslation } from "react-i18next";
import { Navigate, Route, Routes } from "react-router";
import { SubNavigation } from "../../components/SubNavigation";
import { addTexts } from "../../i18n";
import { Departments } from "./Departments";
import en from "./en.json";
import { PeopleList } from "./PeopleList";
import { Programs } from "./Programs";
import zh from "./zh-CN.json";

addTexts("people", { "zh-CN": zh, en });

export default function People() {
  const { t } = useTranslation("people");
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      <SubNavigation
        label={t("places.label")}
        places={[
          { to: "/people", name: t("places.people"), end: true },
          { to: "/people/departments", name: t("places.departments") },
          { to: "/people/programs", name: t("places.programs") },
        ]}
      />
      <Routes>
        <Route index element={<PeopleList />} />
        <Route path="departments" element={<Departments />} />
        <Route path="programs" element={<Programs />} />
        <Route path="*" element={<Navigate to="/people" replace />} />
      </Routes>
    </div>
  );
}
