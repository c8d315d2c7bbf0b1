// What stands in a pane where no picture is: it is coming, or why it is not.
import { AlertTriangle, LoaderCircle } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../components/basics";

export type Failure = "forbidden" | "missing" | "network" | "busy" | "unreadable";

/** After this long without a picture it is said that it takes long, in milliseconds. */
const LONG_MS = 4_000;

export function Waiting() {
  const { t } = useTranslation("viewer");
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), LONG_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div role="status" className="pointer-events-none absolute inset-0 z-10 grid place-items-center text-white">
      <div className="flex flex-col items-center gap-2">
        <LoaderCircle size={26} className="animate-spin" aria-hidden />
        <p>{t("waiting")}</p>
        {long && <p className="max-w-xs text-center text-sm opacity-85">{t("slow")}</p>}
      </div>
    </div>
  );
}

export function Failed({ failure, again }: { failure: Failure; again: () => void }) {
  const { t } = useTranslation("viewer");
  return (
    <div role="alert" className="absolute inset-0 z-10 grid place-items-center p-6 text-white">
      <div className="flex max-w-sm flex-col items-center gap-2 rounded-lg bg-black p-4 text-center">
        <AlertTriangle size={26} aria-hidden />
        <p className="font-semibold">{t(`failed.${failure}.title`)}</p>
        <p className="text-sm opacity-85">{t(`failed.${failure}.help`)}</p>
        {failure !== "forbidden" && failure !== "missing" && <Button onClick={again}>{t("again")}</Button>}
      </div>
    </div>
  );
}
