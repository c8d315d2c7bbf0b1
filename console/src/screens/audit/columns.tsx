// The columns of the list of records.
import { Dices } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { When } from "../../components/basics";
import type { Column } from "../../components/DataTable";
import { moment } from "../../lib/time";
import { Actor, Outcome, Pseudonym, useDeed, useWord } from "./leaf/words";
import { CheckedBadge } from "./sample/SampleBar";
import type { Checked } from "./sample/useSample";
import { keyOf, type Row } from "./search";

interface Marks {
  /** The records that were drawn. */
  sampled: ReadonlySet<string>;
  /** How their proofs came out; nothing where there is no sample. */
  checked: ReadonlyMap<string, Checked> | null;
}

export function useColumns(typed: ReadonlyMap<string, string>, { sampled, checked }: Marks): Column<Row>[] {
  const { t, i18n } = useTranslation("audit");
  const word = useWord();
  const deed = useDeed();
  return useMemo(
    () => {
      const reference = (key: "patient" | "study", width: string): Column<Row> => ({
        key,
        title: t(`columns.${key}`),
        width,
        narrow: false,
        cell: ({ leaf }) => typed.get(leaf[key] ?? "") ?? <Pseudonym of={leaf[key]} />,
        text: ({ leaf }) => leaf[key] ?? "",
      });
      const proof: Column<Row> = {
        key: "proof",
        title: t("columns.proof"),
        width: "6.5rem",
        cell: (row) => sampled.has(keyOf(row)) && <CheckedBadge of={checked?.get(keyOf(row))} />,
        text: (row) => checked?.get(keyOf(row)) ?? "",
      };
      return [
        {
          key: "number",
          title: t("columns.number"),
          width: "5rem",
          narrow: false,
          cell: (row) => (
            <span className="inline-flex items-center gap-1.5 font-mono text-xs text-soft">
              #{row.index}
              {sampled.has(keyOf(row)) && <Dices size={13} className="text-accent" aria-label={t("sample.marked")} />}
            </span>
          ),
          text: (row) => String(row.index),
        },
        ...(checked === null ? [] : [proof]),
        { key: "time", title: t("columns.time"), width: "11rem", narrow: "7.2rem", cell: ({ leaf }) => <When ms={leaf.time_ms} exact />, text: ({ leaf }) => moment(leaf.time_ms) },
        {
          key: "who",
          title: t("columns.who"),
          width: "minmax(12rem, 1.2fr)",
          narrow: "minmax(6rem, 1fr)",
          cell: ({ leaf }) => <Actor name={leaf.actor} kind={leaf.actor_kind} role={leaf.role} />,
          text: ({ leaf }) => leaf.actor,
        },
        { key: "what", title: t("columns.what"), width: "minmax(9rem, 1fr)", narrow: "minmax(6rem, 1fr)", cell: ({ leaf }) => deed(leaf), text: ({ leaf }) => deed(leaf) },
        { key: "outcome", title: t("columns.outcome"), width: "8.25rem", narrow: false, cell: ({ leaf }) => <Outcome of={leaf.outcome} />, text: ({ leaf }) => word("outcome", leaf.outcome) },
        {
          key: "reason",
          title: t("columns.reason"),
          width: "minmax(8rem, 1fr)",
          narrow: false,
          cell: ({ leaf }) => <span title={leaf.reason}>{word("reason", leaf.reason)}</span>,
          text: ({ leaf }) => word("reason", leaf.reason),
        },
        reference("patient", "6rem"),
        reference("study", "6rem"),
        { key: "purpose", title: t("columns.purpose"), width: "7rem", narrow: false, cell: ({ leaf }) => word("purpose", leaf.purpose), text: ({ leaf }) => word("purpose", leaf.purpose), spare: true },
        { key: "device", title: t("columns.device"), width: "7rem", narrow: false, cell: ({ leaf }) => leaf.node, text: ({ leaf }) => leaf.node, spare: true },
        { key: "log", title: t("columns.log"), width: "10rem", narrow: false, cell: (row) => row.log, text: (row) => row.log, spare: true },
      ];
    },
    // The words change with the language.
    [i18n.language, typed, sampled, checked],
  );
}
