// One inbox of everything that waits for this role: what it is and how urgent at the left, the case with who did what of it at the right.
import { useQueryClient } from "@tanstack/react-query";
import { Inbox } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "../../lib/address";
import { useMe } from "../../api/queries";
import { Badge, Button, Empty, Loading, Refused } from "../../components/basics";
import { Countdown } from "../../components/Countdown";
import { FilterRow, SelectFilter, Toggle, useFilters } from "../../components/Filters";
import { CaseList, type ListItem } from "../../components/CaseList";
import { SavedFilters } from "../../components/SavedFilters";
import { NothingChosen, SplitView } from "../../components/SplitView";
import { addTexts } from "../../i18n";
import { useChosen } from "../../lib/chosen";
import { CaseView } from "./CaseView";
import type { Case, Kind } from "./cases";
import en from "./en.json";
import { Propose } from "./Propose";
import { RulesNow } from "./RulesNow";
import { toneOf, useTitles } from "./titles";
import { useCases } from "./useCases";
import zh from "./zh-CN.json";

addTexts("approvals", { "zh-CN": zh, en });

const FILTERS = ["show", "kind"] as const;
const KINDS: readonly Kind[] = ["break-glass", "policy", "suspension", "destruction", "release", "maintenance", "reason"];

export default function Approvals() {
  const { t } = useTranslation("approvals");
  const me = useMe().data;
  const queries = useQueryClient();
  const [filters, change] = useFilters(FILTERS);
  const [, setParameters] = useSearchParams();
  const { cases, inForce, pending, error, refetch } = useCases(me);
  const titles = useTitles();
  const [proposing, setProposing] = useState(false);
  const everything = filters["show"] === "all";
  const kinds = KINDS.filter((kind) => cases.some((one) => one.kind === kind));
  const shown = cases.filter((one) => (everything || one.waits) && (filters["kind"] === undefined || one.kind === filters["kind"]));
  const [chosen, choose] = useChosen("case");
  const of = cases.find((one) => one.key === chosen);
  const waiting = cases.filter((one) => one.waits).length;

  return (
    <>
      <SplitView
        head={
          <>
            <FilterRow>
              <Toggle on={!everything} onChange={() => change({ show: "" })}>
                {t("waiting", { count: waiting })}
              </Toggle>
              <Toggle on={everything} onChange={() => change({ show: "all" })}>
                {t("all")}
              </Toggle>
              {(kinds.length > 1 || filters["kind"] !== undefined) && (
                <SelectFilter
                  label={t("kind")}
                  any={t("anyKind")}
                  options={kinds.map((kind) => [kind, t(`kinds.${kind}`)])}
                  value={filters["kind"] ?? ""}
                  onChange={(kind) => change({ kind })}
                />
              )}
              <SavedFilters table="approvals" names={FILTERS} />
              {me?.actions.includes("propose-policy") === true && (
                <Button className="h-10 sm:ml-auto" onClick={() => setProposing(true)}>
                  {t("propose.open")}
                </Button>
              )}
            </FilterRow>
            {inForce && <RulesNow of={inForce} />}
            {error !== null && <Refused error={error} retry={refetch} />}
          </>
        }
        title={t("list")}
        chosen={chosen}
        side={of && <CaseView key={of.key} of={of} onDone={() => void queries.invalidateQueries({ predicate: (query) => query.queryKey[0] !== "me" })} />}
        unchosen={<NothingChosen icon={<Inbox size={28} aria-hidden />}>{t("select")}</NothingChosen>}
        onLeave={() => choose("")}
        broad="side"
      >
        <CaseList
          label={t("list")}
          items={shown.map((one) => itemOf(one, titles(one), t(`states.${one.kind}.${one.state}`)))}
          chosen={of ? of.key : null}
          onChoose={choose}
          empty={pending ? <Loading /> : <Empty title={t(everything ? "emptyAll" : "empty")}>{t("emptyHelp")}</Empty>}
        />
      </SplitView>
      {proposing && (
        <Propose
          onClose={(made) => {
            setProposing(false);
            if (made === null) return;
            void queries.invalidateQueries({ queryKey: ["policies"] });
            setParameters({ show: "all", case: `policy-${made}` });
          }}
        />
      )}
    </>
  );
}

// === helpers ===

function itemOf(of: Case, { title, line }: { title: string; line: string }, state: string): ListItem {
  const badges =
    of.due_ms !== null && !of.settled ? (
      <Countdown from_ms={of.asked_ms} until_ms={of.due_ms} due />
    ) : (
      <Badge tone={toneOf(of)}>{state}</Badge>
    );
  return { key: of.key, title, line, badges };
}
