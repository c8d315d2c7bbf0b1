// The exact command that does the same as what is on the screen.
import { Check, Terminal } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "./basics";

/** Copies a command line: of our own program where it has one for this, or of curl for a path of the API. */
export function CopyAs({ cli, path }: { cli?: string; path?: string }) {
  const { t } = useTranslation("app");
  const [copied, setCopied] = useState<string | null>(null);
  const copy = async (name: string, text: string) => {
    await navigator.clipboard.writeText(text);
    setCopied(name);
    setTimeout(() => setCopied(null), 1500);
  };
  const curl =
    path === undefined ? undefined : `curl --cacert ca.pem -H "Authorization: Bearer $TOKEN" '${window.location.origin}${path}'`;
  const entries = [["CLI", cli], ["curl", curl]].filter((entry): entry is [string, string] => entry[1] !== undefined);
  return (
    <>
      {entries.map(([name, text]) => (
        <Button key={name} look="quiet" title={text} onClick={() => void copy(name, text)}>
          {copied === name ? <Check size={15} aria-hidden /> : <Terminal size={15} aria-hidden />}
          {copied === name ? t("copy.done") : t("copy.as", { name })}
        </Button>
      ))}
    </>
  );
}
