// Giving a colleague or an expert the study that is chosen, from where it is looked at.
import { useQueryClient } from "@tanstack/react-query";
import { UserPlus, Video } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate } from "react-router";
import { useMe } from "../../api/queries";
import { CONSULTATIONS, GRANTS } from "../../api/rows";
import { Button } from "../../components/basics";
import { Give } from "./Give";

export function GiveButtons({ studyUid }: { studyUid: string }) {
  const { t } = useTranslation("grants");
  const me = useMe().data;
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [giving, setGiving] = useState<"grant" | "consultation" | null>(null);
  const may = (action: string) => me?.actions.includes(action) === true;
  return (
    <>
      {may("give-grant") && (
        <Button onClick={() => setGiving("grant")}>
          <UserPlus size={15} aria-hidden />
          {t("give.grant")}
        </Button>
      )}
      {may("assign-consultation") && (
        <Button onClick={() => setGiving("consultation")}>
          <Video size={15} aria-hidden />
          {t("give.consultation")}
        </Button>
      )}
      {giving && (
        <Give
          kind={giving}
          studyUid={studyUid}
          onClose={(key) => {
            setGiving(null);
            if (key === null) return;
            for (const queryKey of [GRANTS, CONSULTATIONS]) void queries.invalidateQueries({ queryKey });
            void navigate(`/grants?right=${key}`);
          }}
        />
      )}
    </>
  );
}
