// The nodes that hold epochs of keys: whether one still keeps an epoch that is over, so that a destruction waits for it. One that is gone for
// good is forgotten.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "../../api/client";
import { ActionDialog } from "../../components/ActionDialog";
import { Badge, Button, Panel } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import type { KeyNode, Keys } from "./keys";

export function NodesPanel({ keys }: { keys: Keys }) {
  const { t } = useTranslation("keys");
  const [forgets, setForgets] = useState<KeyNode | null>(null);
  // One node alone keeps what it keeps; there is nothing to decide.
  if (keys.nodes.length < 2) return null;
  return (
    <Panel className="shrink-0" title={t("nodes.title", { epoch: keys.epoch })}>
      <ul className="divide-y">
        {keys.nodes.map((node) => (
          <li key={node.name} className="flex flex-wrap items-center gap-3 px-4 py-2" title={node.store ?? undefined}>
            <span className="font-medium">{node.name}</span>
            <Badge tone={node.gone_ms !== null ? "neutral" : node.keeps_old_epoch ? "warn" : "good"}>
              {t(node.gone_ms !== null ? "nodes.gone" : node.keeps_old_epoch ? "nodes.old" : "nodes.current")}
            </Badge>
            {node.oldest_epoch !== null && <span className="text-soft">{t("nodes.holds", { oldest: node.oldest_epoch, newest: node.newest_epoch })}</span>}
            {node.gone_ms === null && (
              <Button className="ml-auto" look="quiet" onClick={() => setForgets(node)}>
                {t("nodes.forget")}
              </Button>
            )}
          </li>
        ))}
      </ul>
      {forgets && (
        <ActionDialog
          action={{
            title: t("nodes.forgetTitle", { name: forgets.name }),
            button: t("nodes.forget"),
            danger: true,
            consequences: [t("nodes.disk"), t("nodes.waits"), t("nodes.nothing")],
            typed: forgets.name,
            changes: ["keys"],
            perform: () => api.POST("/api/v1/keys/nodes/forgotten", { body: { name: forgets.name } }),
            aside: <CopyAs cli={`yingdun nodes forget ${forgets.name}`} />,
          }}
          onClose={() => setForgets(null)}
        />
      )}
    </Panel>
  );
}
