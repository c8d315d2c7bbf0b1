// The columns of the list of rights.
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Badge, When, type Tone } from "../../components/basics";
import { Countdown } from "../../components/Countdown";
import type { Column } from "../../components/DataTable";
import { Subject, subjectText } from "../../components/Subject";
import { moment } from "../../lib/time";
import { stateOf, type Entry, type Kind, type State } from "./entry";

const KIND_TONES: Record<Kind, Tone> = { grant: "accent", "break-glass": "bad", consultation: "neutral" };
export const STATE_TONES: Record<State, Tone> = { open: "good", coming: "accent", ended: "neutral", over: "neutral" };

export function KindBadge({ kind }: { kind: Kind }) {
  const { t } = useTranslation("grants");
  return <Badge tone={KIND_TONES[kind]}>{t(`kinds.${kind}`)}</Badge>;
}

export function useColumns(): Column<Entry>[] {
  const { t, i18n } = useTranslation("grants");
  return useMemo(() => {
    const state = (entry: Entry) => stateOf(entry, Date.now());
    const kind: Column<Entry> = {
      key: "kind",
      title: t("kind"),
      width: "8rem",
      narrow: "7rem",
      cell: (entry) => <KindBadge kind={entry.kind} />,
      text: (entry) => t(`kinds.${entry.kind}`),
    };
    const name: Column<Entry> = {
      key: "name",
      title: t("name"),
      width: "minmax(6rem, 0.8fr)",
      narrow: "minmax(4.5rem, 1fr)",
      cell: (entry) => <span className="font-medium">{entry.name}</span>,
      text: (entry) => entry.name,
    };
    const until: Column<Entry> = {
      key: "until",
      title: t("until"),
      width: "10.4rem",
      narrow: "9.6rem",
      cell: (entry) =>
        state(entry) === "open" ? (
          <Countdown from_ms={entry.from_ms} until_ms={entry.until_ms} />
        ) : (
          <Badge tone={STATE_TONES[state(entry)]}>{t(`states.${state(entry)}`)}</Badge>
        ),
      text: (entry) => moment(entry.ended_ms ?? entry.until_ms),
    };
    return [
      kind,
      name,
      until,
      { key: "subject", title: t("subject"), width: "minmax(9rem, 1fr)", cell: (entry) => <Subject of={entry} />, text: subjectText, narrow: false },
      { key: "by", title: t("by"), width: "minmax(5.5rem, 0.7fr)", cell: (entry) => entry.by ?? "—", text: (entry) => entry.by ?? "", narrow: false },
      { key: "reason", title: t("reason"), width: "minmax(9rem, 1.4fr)", cell: (entry) => entry.reason ?? "", text: (entry) => entry.reason ?? "", narrow: false },
      { key: "given", title: t("given"), width: "8rem", cell: (entry) => <When ms={entry.given_ms} />, text: (entry) => moment(entry.given_ms), spare: true, narrow: false },
      { key: "state", title: t("state"), width: "6rem", cell: (entry) => t(`states.${state(entry)}`), text: (entry) => t(`states.${state(entry)}`), spare: true, narrow: false },
    ];
    // The language decides what `t` says.
  }, [t, i18n.language]);
}
