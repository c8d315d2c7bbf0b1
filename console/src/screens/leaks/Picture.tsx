// The found picture: dropped or chosen, shown here, and sent once.
import { ImageUp } from "lucide-react";
import { useEffect, useRef, useState, type DragEvent } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../components/basics";
import { faultOf } from "./leaks";

export function Picture({ file, onFile }: { file: File | null; onFile: (file: File) => void }) {
  const { t } = useTranslation("leaks");
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [fault, setFault] = useState<"type" | "size" | null>(null);
  const take = (one: File | undefined) => {
    if (!one) return;
    const wrong = faultOf(one);
    setFault(wrong);
    if (wrong === null) onFile(one);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    take(event.dataTransfer.files[0]);
  };
  return (
    <div
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      className={`flex flex-col items-center gap-3 rounded-xl border-2 border-dashed p-4 text-center ${over ? "border-accent bg-accent-wash" : ""}`}
    >
      {file === null ? <ImageUp size={32} className="text-accent" aria-hidden /> : <Shown key={`${file.name} ${file.lastModified}`} file={file} />}
      <p className="max-w-md text-soft">{t("foundHelp")}</p>
      <Button onClick={() => input.current?.click()}>{t(file === null ? "choose" : "other")}</Button>
      <input
        ref={input}
        type="file"
        accept="image/png,image/jpeg"
        aria-label={t("choose")}
        className="sr-only"
        tabIndex={-1}
        onChange={(event) => {
          take(event.target.files?.[0]);
          event.target.value = "";
        }}
      />
      {fault !== null && (
        <p role="alert" className="text-bad">
          {t(fault)}
        </p>
      )}
    </div>
  );
}

// === helpers ===

function Shown({ file }: { file: File }) {
  const { t } = useTranslation("leaks");
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    const made = URL.createObjectURL(file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [file]);
  return (
    <figure className="space-y-1.5">
      {address !== undefined && <img src={address} alt={t("picture")} className="mx-auto max-h-64 max-w-full rounded-md" />}
      <figcaption className="text-xs break-all text-soft">{file.name}</figcaption>
    </figure>
  );
}
