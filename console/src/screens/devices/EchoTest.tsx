// Whether a device can be reached where its record says, step by step, and what to do where it cannot.
import { CircleCheck, CircleDashed, CircleX, Radio } from "lucide-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, body } from "../../api/client";
import { Button, Panel, Refused } from "../../components/basics";
import { CopyAs } from "../../components/CopyAs";
import { stepsOf, type Device, type EchoReport } from "./devices";

export function EchoTest({ device }: { device: Device }) {
  const { t, i18n } = useTranslation("devices");
  const test = useMutation({
    mutationFn: async () =>
      (await body(
        api.POST("/api/v1/devices/{ae_title}/echo", {
          params: { path: { ae_title: device.ae_title } },
          body: { called_ae: device.called_ae },
        }),
      )) as unknown as EchoReport,
  });
  const possible = device.destination !== null && !device.disabled;
  const report = test.data;
  return (
    <Panel
      title={t("echo.title")}
      actions={
        possible && (
          <Button busy={test.isPending} onClick={() => test.mutate()}>
            {!test.isPending && <Radio size={15} aria-hidden />}
            {t("echo.button")}
          </Button>
        )
      }
    >
      <div className="space-y-3 p-4" aria-live="polite">
        {!possible && <p className="text-soft">{t(device.disabled ? "echo.disabled" : "echo.noDestination")}</p>}
        {possible && !report && !test.isError && <p className="text-soft">{t("echo.what", { to: device.destination })}</p>}
        {test.isError && <Refused error={test.error} />}
        {report && (
          <>
            <ol className="space-y-1.5" aria-label={t("echo.steps")}>
              {stepsOf(report).map(({ step, ms, state }) => (
                <li key={step} className="flex items-center gap-2">
                  {state === "done" ? (
                    <CircleCheck size={17} className="text-good" aria-hidden />
                  ) : state === "failed" ? (
                    <CircleX size={17} className="text-bad" aria-hidden />
                  ) : (
                    <CircleDashed size={17} className="text-soft" aria-hidden />
                  )}
                  <span className={state === "notReached" ? "text-soft" : undefined}>{t(`echo.step.${step}`)}</span>
                  <span className="ml-auto text-xs text-soft">
                    {state === "done" ? t("echo.took", { ms: (ms ?? 0).toFixed(1) }) : t(`echo.${state}`)}
                  </span>
                </li>
              ))}
            </ol>
            {report.fault ? (
              <div role="alert" className="space-y-1.5 rounded-md bg-bad-wash p-3 text-bad">
                <p className="font-semibold">{i18n.exists(`devices:echo.cause.${report.fault.cause}`) ? t(`echo.cause.${report.fault.cause}`) : report.fault.what}</p>
                <p className="break-words">
                  {t("echo.came")} {report.fault.came}
                </p>
                <p>
                  {t("echo.remedy")} {i18n.exists(`devices:echo.do.${report.fault.cause}`) ? t(`echo.do.${report.fault.cause}`) : report.fault.remedy}
                </p>
              </div>
            ) : (
              <p className="rounded-md bg-good-wash p-3 font-semibold text-good">{t("echo.good", { peer: report.peer, ms: report.ms.toFixed(1) })}</p>
            )}
          </>
        )}
        {possible && (
          <div className="-ml-3 flex flex-wrap">
            <CopyAs cli={`yingdun device echo ${device.ae_title} --called ${device.called_ae}`} />
          </div>
        )}
      </div>
    </Panel>
  );
}
