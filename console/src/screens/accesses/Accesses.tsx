// Accesses to images: one's own, for everybody who signs in; and who looked at a patient or a study, for who reads the audit log.
import { Eye, UserRound } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "../../lib/address";
import { useMe } from "../../api/queries";
import { Empty } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { Toggle } from "../../components/Filters";
import { addTexts } from "../../i18n";
import { AccessTable, recordOf } from "./AccessTable";
import en from "./en.json";
import { OfMyRecord } from "./OfMyRecord";
import { WhoLooked } from "./WhoLooked";
import zh from "./zh-CN.json";

addTexts("accesses", { "zh-CN": zh, en });

const OWN = "/api/v1/me/accesses";
const WHY = { others: "othersWhy", record: "record.why", mine: "mineWhy" } as const;
const NOTHING_TYPED: ReadonlyMap<string, string> = new Map();

export default function Accesses() {
  const { t } = useTranslation("accesses");
  const [parameters, setParameters] = useSearchParams();
  const me = useMe().data;
  const mayAsk = me?.actions.includes("read-audit") === true;
  // Who answers for the log asks about others; a patient asks who looked at the own images. Everybody finds the own accesses beside that.
  const more = mayAsk ? "others" : me?.role === "patient" ? "record" : null;
  const shown = more !== null && parameters.get("of") !== "mine" ? more : "mine";
  // Which one comes first depends on who looks: it stands in the address, so that a link shows the same to others.
  const isSaid = more === null || parameters.get("of") === shown;
  useEffect(() => {
    if (!isSaid) setParameters((present) => new URLSearchParams([...present].filter(([name]) => name !== "of").concat([["of", shown]])), { replace: true });
  }, [isSaid, shown]);
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-3">
      {more !== null && (
        <div role="group" aria-label={t("which")} className="flex flex-wrap gap-2">
          <Toggle on={shown === more} onChange={() => setParameters({ of: more })}>
            <span className="inline-flex items-center gap-2">
              <Eye size={16} aria-hidden /> {t(more === "record" ? "record.title" : "others")}
            </span>
          </Toggle>
          <Toggle on={shown === "mine"} onChange={() => setParameters({ of: "mine" })}>
            <span className="inline-flex items-center gap-2">
              <UserRound size={16} aria-hidden /> {t("mine")}
            </span>
          </Toggle>
        </div>
      )}
      <p className="text-soft">{t(WHY[shown])}</p>
      {shown === "others" ? <WhoLooked /> : shown === "record" ? <OfMyRecord /> : <Mine mayRead={mayAsk} />}
    </div>
  );
}

// === helpers ===

function Mine({ mayRead }: { mayRead: boolean }) {
  const { t } = useTranslation("accesses");
  return (
    <>
      <AccessTable
        name="my-accesses"
        label={t("mine")}
        queryKey={["accesses", "mine"]}
        ask={(cursor, limit) => [`${OWN}?limit=${limit}${cursor === null ? "" : `&cursor=${cursor}`}`, {}]}
        typed={NOTHING_TYPED}
        own
        placeOf={mayRead ? recordOf : undefined}
        empty={<Empty title={t("emptyMine")}>{t("emptyMineHelp")}</Empty>}
      />
      <div className="-mb-2 hidden flex-wrap sm:flex">
        <CopyAs path={OWN} />
      </div>
    </>
  );
}
