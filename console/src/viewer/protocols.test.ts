import { expect, test } from "vitest";
import en from "./hanging.en.json";
import zh from "./hanging.zh-CN.json";
import { choose, fitting, fittingWithPrior, modalityOf, NAMES, narrowed, regionOf, showsPrior, type Case, type Hanging, type Picture } from "./protocols";
import { PRESETS } from "./windows";

/** A study as scanners describe it: each series its description and how many images, or its views. */
function of(uid: string, modality: string, description: string, series: readonly [string, number | [view: string, laterality: string, rows: string][]][], bodyPart = ""): Case {
  return {
    description,
    series: series.map(([said, what], at) => ({
      study: uid,
      uid: `${uid}.${at + 1}`,
      number: at + 1,
      modality,
      description: said,
      bodyPart,
      instances: typeof what === "number" ? what : what.length,
      pictures: typeof what === "number" ? [] : what.map(([view, laterality, rows], index): Picture => ({ index, view, laterality, rows })),
    })),
  };
}

/** What hangs, pane by pane: number of the series (`p` of the earlier study), slice, window, `<>` where it is turned round. */
function said(hanging: Hanging | null): string {
  if (!hanging) return "nothing";
  const panes = hanging.panes.map((one) =>
    one === null ? "-" : `${one.study === "p" ? "p" : ""}${one.series.split(".").at(-1)}${one.start ? `@${one.start}` : ""}${one.window ? `:${one.window}` : ""}${one.flipped ? "<>" : ""}`,
  );
  return `${hanging.name} ${hanging.shape} ${panes.join(" ")}${hanging.linked ? " linked" : ""}`;
}

const CHEST = of("s", "CT", "胸部CT平扫", [["Topogram  0.6  T20f", 1], ["Thorax  5.0  B31f", 64], ["Lung  1.0  B70f", 320], ["Patient Protocol", 1]]);
const EARLIER_CHEST = of("p", "CT", "Chest routine", [["Scout", 2], ["Lung 1.25", 290], ["Standard 5.0", 60]]);

test("CT of the chest: soft tissue and lung, each of its own reconstruction, or of one", () => {
  expect(said(choose(CHEST, null, null))).toBe("ctChest two 2:mediastinum 3:lung linked");
  expect(said(choose(of("s", "CT", "胸部CT平扫", [["胸部CT平扫", 24]]), null, null))).toBe("ctChest two 1:mediastinum 1:lung linked");
});

test("CT of the chest with an earlier one: both windows, the earlier beside", () => {
  expect(said(choose(CHEST, EARLIER_CHEST, null))).toBe("ctChestPrior four 3:lung p2:lung 2:mediastinum p3:mediastinum linked");
  // An earlier one of another part of the body hangs beside, and is not taken for a chest.
  expect(said(choose(CHEST, of("p", "CT", "头颅CT", [["Head 5.0", 30]]), null))).toBe("prior two 2 p1 linked");
});

test("CT of the head: brain and bone", () => {
  expect(said(choose(of("s", "CT", "头颅CT平扫", [["定位像", 2], ["Head 5.0 H31s", 32], ["Bone 1.0 H60s", 150]], "CHEST"), null, null))).toBe(
    "ctHead two 2:brain 3:bone linked",
  );
});

test("CT of the abdomen: the phases beside each other, or two windows of one", () => {
  const phases = of("s", "CT", "上腹部CT增强", [["Scout", 1], ["平扫 5mm", 50], ["动脉期 5mm", 50], ["门静脉期 5mm", 50], ["延迟期 5mm", 50]]);
  expect(said(choose(phases, null, null))).toBe("ctPhases four 2:abdomen 3:abdomen 4:abdomen 5:abdomen linked");
  expect(said(choose(of("s", "CT", "Abdomen", [["Arterial 1.0", 300], ["Portal venous 1.0", 300]]), null, null))).toBe("ctPhases two 1:abdomen 2:abdomen linked");
  expect(said(choose(of("s", "CT", "上腹部CT增强", [["上腹部CT增强", 12]]), null, null))).toBe("ctAbdomen two 1:abdomen 1:liver linked");
});

test("CT of the spine: bone and soft tissue", () => {
  expect(said(choose(of("s", "CT", "腰椎CT", [["L-SPINE 2.0 B70s", 60], ["L-SPINE 3.0 B30s", 40]]), null, null))).toBe("ctSpine two 1:bone 2:mediastinum linked");
});

test("radiographs of the chest: frontal and lateral, in whatever order and however they are said", () => {
  expect(said(choose(of("s", "DX", "Chest PA and LAT", [["Chest", [["LL", "", ""], ["PA", "", ""]]]]), null, null))).toBe("chestPair two 1@1 1");
  expect(said(choose(of("s", "CR", "胸部", [["胸部侧位", 1], ["胸部正位", 1]]), null, null))).toBe("chestPair two 2 1");
  expect(said(choose(of("s", "CR", "胸部正位", [["胸部正位", 1]]), null, null))).toBe("single one 1");
});

test("radiographs of the chest with an earlier one: frontal beside frontal, lateral beside lateral", () => {
  const pair = of("s", "CR", "胸部正侧位", [["胸部侧位", 1], ["胸部正位", 1]]);
  const earlier = of("p", "CR", "胸部正侧位", [["胸部正位", 1], ["胸部侧位", 1]]);
  expect(said(choose(pair, earlier, null))).toBe("chestPrior four 2 p1 1 p2");
  expect(said(choose(pair, of("p", "DX", "Chest", [["Chest PA", 1]]), null))).toBe("chestPrior four 2 p1 1 -");
  expect(said(choose(of("s", "CR", "胸部", [["胸部正位", 1]]), of("p", "CR", "胸部", [["胸部正位", 1]]), null))).toBe("chestPrior two 1 p1");
});

test("radiographs of limbs: the views of it, and what is at the left side is no lateral view", () => {
  expect(said(choose(of("s", "DX", "左侧膝关节正侧位", [["左膝", [["LATERAL", "L", ""], ["AP", "L", ""]]]]), null, null))).toBe("limb two 1@1 1");
  expect(said(choose(of("s", "CR", "右手", [["右手斜位", 1], ["右手正位", 1], ["右手侧位", 1]]), null, null))).toBe("limb four 2 3 1 -");
});

test("mammography: right and left face each other, whatever the order and the way they were taken", () => {
  const taken = of("s", "MG", "双乳X线", [["L MLO", [["MLO", "L", "P"]]], ["R CC", [["CC", "R", "P"]]], ["R MLO", [["MLO", "R", "A"]]], ["L CC", [["CC", "L", "A"]]]]);
  expect(said(choose(taken, null, null))).toBe("mammography four 2 4 3<> 1<>");
  const one = of("s", "MG", "Screening", [["Mammo", [["CC", "L", "A"], ["CC", "R", "P"], ["MLO", "L", "A"], ["MLO", "R", "P"]]]]);
  expect(said(choose(one, null, null))).toBe("mammography four 1@1 1 1@3 1@2");
  // What is not there leaves its place empty.
  expect(said(choose(of("s", "MG", "Mammo", [["RCC", 1], ["RMLO", 1]]), null, null))).toBe("mammography four 1 - 2 -");
});

test("MR of the brain: T2, FLAIR, T1, diffusion", () => {
  const brain = of("s", "MR", "颅脑MR平扫", [["localizer", 9], ["t1_se_tra", 20], ["t2_tse_tra", 20], ["t2_tirm_tra_dark-fluid FLAIR", 20], ["ep2d_diff_3scan_trace_ADC", 20], ["ep2d_diff_b1000", 20], ["t1_se_sag+C", 20]]);
  expect(said(choose(brain, null, null))).toBe("mrBrain four 3 4 2 6 linked");
});

test("MR of the spine: sagittal T2, T1, STIR, and axial T2", () => {
  const spine = of("s", "MR", "腰椎MR", [["loc", 3], ["t1_tse_sag", 11], ["t2_tse_sag", 11], ["t2_tse_fs_sag", 11], ["t2_tse_tra", 15]]);
  expect(said(choose(spine, null, null))).toBe("mrSpine four 3 2 4 5 linked");
});

test("MR of a joint: fat suppressed in three planes, and T1", () => {
  const knee = of("s", "MR", "右膝关节MR", [["pd_tse_fs_cor", 20], ["t1_tse_sag", 20], ["pd_tse_fs_sag", 20], ["pd_tse_fs_tra", 20]]);
  expect(said(choose(knee, null, null))).toBe("mrJoint four 3 1 4 2 linked");
});

test("ultrasound and angiography play", () => {
  expect(choose(of("s", "US", "肝胆脾胰超声", [["Clip", 3]]), null, null)).toMatchObject({ name: "ultrasound", shape: "one", plays: true });
  expect(choose(of("s", "XA", "冠状动脉造影", [["LCA", 1], ["RCA", 1], ["LV", 1]]), null, null)).toMatchObject({ name: "angiography", shape: "two", plays: true });
});

test("anything with an earlier study: what is called alike beside each other", () => {
  const nuclear = of("s", "NM", "骨扫描", [["Anterior", 1], ["Posterior", 1]]);
  expect(said(choose(nuclear, of("p", "NM", "骨扫描", [["Posterior", 1], ["Anterior", 1]]), null))).toBe("prior two 1 p2 linked");
  expect(said(choose(nuclear, null, null))).toBe("single one 1");
});

test("what a person wants hangs where it fits, and else what hangs by itself", () => {
  expect(said(choose(CHEST, null, "four"))).toBe("ctChest two 2:mediastinum 3:lung linked");
  expect(said(choose(CHEST, null, "pair"))).toBe("pair two 2 3");
  expect(said(choose(CHEST, null, "single"))).toBe("single one 2");
  expect(said(choose(CHEST, null, "mammography"))).toBe("ctChest two 2:mediastinum 3:lung linked");
  expect(said(choose(CHEST, null, "no such protocol"))).toBe("ctChest two 2:mediastinum 3:lung linked");
});

test("an earlier study is needed only by those that show it", () => {
  expect(fitting(CHEST, null).some((one) => showsPrior(one.name))).toBe(false);
  expect(fittingWithPrior(CHEST)).toEqual(["ctChestPrior", "prior"]);
  expect(fittingWithPrior(of("s", "MR", "颅脑", [["t1", 20]]))).toEqual(["prior"]);
});

test("what people wrote goes before Body Part Examined", () => {
  expect(regionOf(of("s", "CT", "头颅CT平扫", [["5mm", 20]], "CHEST"))).toBe("head");
  expect(regionOf(of("s", "CT", "", [["5mm", 20]], "CHEST"))).toBe("chest");
  expect(regionOf(of("s", "CT", "THORACIC SPINE", [["5mm", 20]]))).toBe("spine");
  expect(regionOf(of("s", "CT", "", [["5mm", 20]]))).toBeNull();
});

test("in a narrow window one pane hangs", () => {
  const hanging = choose(CHEST, null, null)!;
  expect(said(narrowed(hanging))).toBe("ctChest one 2:mediastinum");
});

test("whatever a study says of itself, something hangs, and only what is there", () => {
  const next = generator(20261123);
  const pick = <T,>(among: readonly T[]): T => among[Math.floor(next() * among.length)]!;
  const words = ["", "胸部", "头颅", "Abdomen", "L-Spine", "左膝", "t1_se_tra", "t2_tse_sag", "FLAIR", "Lung B70f", "Bone", "定位像", "Scout", "PA", "侧位", "R CC", "LMLO", "动脉期", "门静脉期", "[](*+?^$", "☃".repeat(64)];
  const any = (uid: string): Case => {
    const modality = pick(["CT", "MR", "CR", "DX", "MG", "US", "XA", "NM", "PT", "OT", ""]);
    const series = Array.from({ length: 1 + Math.floor(next() * 7) }, (): [string, number | [string, string, string][]] => [
      `${pick(words)} ${pick(words)}`,
      next() < 0.5 ? Math.floor(next() * 40) : Array.from({ length: 1 + Math.floor(next() * 5) }, () => [pick(["CC", "MLO", "PA", "LL", "", "?"]), pick(["L", "R", "B", ""]), pick(["A", "P", "L", ""])]),
    ]);
    return of(uid, modality, pick(words), series, pick(["", "CHEST", "HEAD", "KNEE", "BREAST"]));
  };
  for (let round = 0; round < 3000; round += 1) {
    const study = any("s");
    const prior = next() < 0.5 ? any("p") : null;
    const shown = [choose(study, prior, next() < 0.3 ? pick(NAMES) : null), ...fitting(study, prior)];
    const existing = new Map([...study.series, ...(prior?.series ?? [])].map((one) => [one.uid, one]));
    for (const hanging of shown) {
      expect(hanging).not.toBeNull();
      const { shape, panes, linked, name } = hanging!;
      expect(panes).toHaveLength({ one: 1, two: 2, four: 4 }[shape]);
      const hung = panes.filter((one) => one !== null);
      expect(hung.length).toBeGreaterThan(0);
      if (linked) expect(hung.length).toBeGreaterThan(1);
      if (prior === null) expect(showsPrior(name)).toBe(false);
      // The study that was opened is always among what hangs.
      expect(hung.some((one) => one.study === "s")).toBe(true);
      for (const one of hung) {
        const series = existing.get(one.series);
        expect(series?.study).toBe(one.study);
        expect(one.start ?? 0).toBeLessThan(Math.max(1, series!.pictures.length));
        if (one.window !== null) expect(PRESETS.some((preset) => preset.name === one.window)).toBe(true);
      }
    }
    expect(new Set(fitting(study, prior).map((one) => one.name)).size).toBe(fitting(study, prior).length);
    expect(modalityOf(study)).toBe(study.series.find((one) => one.modality === modalityOf(study))!.modality);
  }
}, 60_000);

test("each protocol has a name in both languages", () => {
  expect(Object.keys(zh.protocols).sort()).toEqual([...NAMES].sort());
  expect(Object.keys(en.protocols).sort()).toEqual([...NAMES].sort());
});

/** Numbers between 0 and 1, the same ones every time (a linear congruential generator). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}
