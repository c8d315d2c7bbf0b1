// Where the images lie: whether each replica is well, what the scrub found, how much room there is, and how a disk is changed.
import { Database, HardDrive, SearchCheck, ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/queries";
import { Loading, Refused, When } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { KeyFigures } from "../../components/KeyFigures";
import { addTexts } from "../../i18n";
import { bytes, count } from "../../lib/amounts";
import { CompactionPanel } from "./CompactionPanel";
import en from "./en.json";
import { useReplicas, useStore } from "./queries";
import { ReplicaCard } from "./ReplicaCard";
import { ScrubPanel } from "./ScrubPanel";
import { checkedSince, findings, roomBytes } from "./storage";
import zh from "./zh-CN.json";

addTexts("storage", { "zh-CN": zh, en });

export default function Storage() {
  const { t } = useTranslation("storage");
  const manages = useMe().data?.actions.includes("manage-storage") ?? false;
  const replicas = useReplicas();
  const status = useStore();
  if (replicas.isError) return <Refused error={replicas.error} retry={() => void replicas.refetch()} />;
  if (status.isError) return <Refused error={status.error} retry={() => void status.refetch()} />;
  if (replicas.isPending || status.isPending) return <Loading />;
  const all = replicas.data;
  const store = status.data.storage;
  const own = all.filter((replica) => replica.mode === "sync");
  const well = own.filter((replica) => replica.state === "ready" && (replica.awaiting_repair ?? 0) === 0).length;
  const { found, lost } = findings(own);
  const since = checkedSince(own);
  const room = roomBytes(own, store.write_quorum);
  return (
    <div className="flex flex-col gap-3">
      <KeyFigures
        label={t("figures")}
        of={[
          {
            name: t("replicas"),
            value: t("wellOf", { well, all: own.length }),
            hint: store.writable ? t("quorum", { count: store.write_quorum }) : (store.short_of ?? t("notWritable")),
            tone: !store.writable ? "bad" : well < own.length ? "warn" : "good",
            icon: <ShieldCheck size={15} aria-hidden />,
          },
          { name: t("stored"), value: bytes(store.bytes), hint: t("packs", { count: store.packs, packs: count(store.packs) }), icon: <Database size={15} aria-hidden /> },
          { name: t("room"), value: bytes(room), hint: t("roomHint"), tone: room < store.bytes / 20 ? "warn" : "neutral", icon: <HardDrive size={15} aria-hidden /> },
          {
            name: t("lastScrub"),
            value: since === null ? t("notYet") : <When ms={since} />,
            hint: lost > 0 ? t("lost", { lost: count(lost) }) : found > 0 ? t("found", { found: count(found) }) : t("nothingFound"),
            tone: lost > 0 ? "bad" : found > 0 ? "warn" : "neutral",
            icon: <SearchCheck size={15} aria-hidden />,
          },
        ]}
      />
      <div className="grid gap-3 md:grid-cols-2 xl:grid-cols-3">
        {all.map((replica) => (
          <ReplicaCard key={replica.label} replica={replica} all={all} whole_bytes={store.bytes} manages={manages} />
        ))}
      </div>
      <ScrubPanel replicas={all} manages={manages} />
      <CompactionPanel manages={manages} />
      <div className="flex flex-wrap">
        <CopyAs cli="yingdun replica list" path="/api/v1/system/replicas" />
      </div>
    </div>
  );
}
