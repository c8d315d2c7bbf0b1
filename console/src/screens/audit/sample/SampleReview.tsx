// Who reviewed a sample, and what they found; and marking it: a record of the log itself, with the digest of what was drawn and how.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ClipboardCheck } from "lucide-react";
import { useState, type FormEvent } from "react";
import { useTranslation } from "react-i18next";
import { api, body } from "../../../api/client";
import { useMe } from "../../../api/queries";
import type { paths } from "../../../api/schema";
import { Badge, Button, Refused, When } from "../../../components/basics";
import { sampleDigest, type Drawn } from "./drawn";

type Review = paths["/api/v1/audit/reviews"]["get"]["responses"][200]["content"]["application/json"][number];

/** As the server takes them. */
const WORDS_MAX = 500;

export function SampleReview({ drawn, records, own }: {
  drawn: Drawn;
  /** As the address names them. */
  records: string[];
  /** How many of them are of who reviews. */
  own: number;
}) {
  const { t } = useTranslation("audit");
  const me = useMe().data?.name;
  const queries = useQueryClient();
  const key = ["audit", "reviews", JSON.stringify({ drawn, records })];
  const found = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => {
      const sample = await sampleDigest(drawn, records);
      return body<Review[]>(api.GET("/api/v1/audit/reviews", { params: { query: { sample } }, signal }));
    },
    // Each asking is a leaf of its own.
    staleTime: Infinity,
  });
  const reviews = found.data ?? [];
  const mayMark = found.isSuccess && !reviews.some((review) => review.name === me);
  return (
    <div className="basis-full space-y-2 border-t pt-2">
      {reviews.map((review) => (
        <p key={review.review} className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <Badge tone="good" icon={<ClipboardCheck size={13} aria-hidden />}>
            {t("review.done")}
          </Badge>
          <span className="font-medium">{review.name}</span>
          <When ms={review.at_ms} exact />
          <span className="min-w-0 break-words">{review.words ?? t("review.unreadable")}</span>
        </p>
      ))}
      {found.isError && <Refused error={found.error} retry={() => void found.refetch()} />}
      {mayMark && (
        <Mark
          drawn={drawn}
          records={records}
          own={own}
          onMarked={(review) => queries.setQueryData<Review[]>(key, (before = []) => [review, ...before])}
        />
      )}
    </div>
  );
}

// === helpers ===

function Mark({ drawn, records, own, onMarked }: { drawn: Drawn; records: string[]; own: number; onMarked: (review: Review) => void }) {
  const { t } = useTranslation("audit");
  const [words, setWords] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || words.trim() === "") return;
    setBusy(true);
    setError(null);
    try {
      const { kind, of, seed, filters } = drawn;
      onMarked(await body<Review>(api.POST("/api/v1/audit/reviews", { body: { drawn: kind, of, seed, ...(filters === "" ? {} : { filters }), records, words: words.trim() } })));
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-2">
      <div className="flex flex-wrap items-center gap-2">
        <label className="min-w-40 flex-1 basis-full sm:basis-60">
          <span className="sr-only">{t("review.words")}</span>
          <input
            value={words}
            onChange={(event) => setWords(event.target.value)}
            placeholder={t("review.placeholder")}
            maxLength={WORDS_MAX}
            autoComplete="off"
            required
            className="h-8 w-full rounded-md border bg-surface px-2.5 placeholder:text-soft"
          />
        </label>
        <Button type="submit" look="primary" busy={busy} disabled={words.trim() === ""}>
          <ClipboardCheck size={15} aria-hidden /> {t("review.mark")}
        </Button>
      </div>
      <p className="text-xs text-soft">
        {t("review.why")} {own > 0 && <strong className="font-medium text-warn">{t("review.own", { count: own })}</strong>}
      </p>
      {error !== null && <Refused error={error} />}
    </form>
  );
}
