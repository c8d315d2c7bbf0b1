// Hanging protocols: which series of a study stands where, in which window and turned how, by what the series say of themselves. A table and
// a pure function over it. No study is opened for a protocol that nobody asked for: those with an earlier study are for who chooses them.

/** What is known of a series without its pictures. */
interface Heading {
  study: string;
  uid: string;
  number: number;
  modality: string;
  description: string;
  bodyPart: string;
  instances: number;
  /** Its projections one by one, where it is a series of them and they are known. */
  pictures: readonly Picture[];
}

export interface Picture {
  /** Which slice of its series. */
  index: number;
  /** View Position, as it is said: `CC`, `PA`, `LATERAL`. */
  view: string;
  laterality: string;
  /** Where its rows point, by Patient Orientation: `A`, `P`. */
  rows: string;
}

/** One study with its series. */
export interface Case {
  description: string;
  series: readonly Heading[];
}

export type Shape = "one" | "two" | "four";

/** What hangs in a pane. */
export interface Hung {
  study: string;
  series: string;
  /** The slice to begin with, where it is one of several views. */
  start: number | null;
  /** A preset by its name, or the window that the images ask for. */
  window: string | null;
  /** Left and right changed, so that it faces as it should. */
  flipped: boolean;
}

export interface Hanging {
  name: string;
  shape: Shape;
  /** From the top left, as many as the shape has panes. */
  panes: readonly (Hung | null)[];
  linked: boolean;
  /** Multi-frame pictures play by themselves. */
  plays: boolean;
}

type Region = "spine" | "head" | "breast" | "chest" | "abdomen" | "limb";

interface Slot {
  prior?: true;
  /** Without it the protocol does not fit. */
  needed?: true;
  /** May show what another pane shows, in its own window. */
  again?: true;
  /** Nothing else may hang here. */
  only?: Trait;
  /** What would be best, the first most. */
  rather?: readonly Trait[];
  window?: string;
  /** Which way the rows should point. */
  rows?: "A" | "P";
}

/** What a series, or one picture of it, may be like. */
interface Trait {
  words?: RegExp;
  not?: RegExp;
  views?: RegExp;
  laterality?: "L" | "R";
}

interface Protocol {
  name: string;
  modalities: readonly string[] | null;
  region?: Region;
  /** How many panes must be filled at least. */
  least?: number;
  /** Panes stay where they are, even where one stays empty. */
  fixed?: true;
  /** Only for who chooses it. */
  offered?: true;
  linked?: true;
  plays?: true;
  slots: readonly Slot[];
}

/** Modalities whose pictures are projections, which tell one by one from where they were taken. */
export const PROJECTIONS: readonly string[] = ["CR", "DX", "MG", "RG", "IO", "PX"];

const X_RAY = ["CR", "DX", "RG"];

// What people and scanners write. Chinese words need no borders, English ones begin a word.
const LUNG: Trait = { words: /lung|pulm|sharp|hrct|\bb[678]\d|\bi[67]\d|\bbl\d|肺|高分辨/ };
const SOFT: Trait = { words: /soft|media|stand|\bstd\b|\bb[234]\d|\bi[234]\d|\bbr[34]\d|纵隔|软组织|标准/, not: /lung|bone|肺|骨/ };
const BONE: Trait = { words: /bone|\bb[678]\d|\bhr[67]\d|骨/ };
const FRONTAL: Trait = { views: /^(pa|ap|frontal)/, words: /\b(pa|ap)\b|frontal|正位|后前|前后/, not: /\blat|侧位|\bobl|斜/ };
const LATERAL: Trait = { views: /^(l|ll|rl|lat.*|rlateral|llateral|ml|lm)$/, words: /\blat|侧位/ };
const NOT_LATERAL: Trait = { views: /^(?!l$|ll|rl|lat|ml|lm)/, not: /\blat|侧位/ };
const OBLIQUE: Trait = { views: /^(rao|lao|rpo|lpo|obl.*)$/, words: /\bobl|斜/ };
const CC = (laterality: "L" | "R"): Trait => ({ views: /^(cc|xccl|xccm|fb)/, words: /\bcc\b|[lr]cc|头尾/, laterality });
const MLO = (laterality: "L" | "R"): Trait => ({ views: /^(mlo|ml|lm|sio|lmo)/, words: /mlo|斜位/, laterality });
const T1: Trait = { words: /t1/, not: /\+ ?c\b|\bgd|post|\bce\b|增强/ };
const T2: Trait = { words: /t2/, not: /flair|\*|star|stir|swi/ };
const FLAIR: Trait = { words: /flair|水抑制/ };
const DIFFUSION: Trait = { words: /dwi|diff|trace|b\s?=?\s?1000|弥散|扩散/, not: /adc|fa\b/ };
const FAT_SUPPRESSED: Trait = { words: /stir|tirm|fs\b|fatsat|spair|压脂|脂肪抑制/ };
const SAGITTAL = /sag|矢/;
const CORONAL = /cor|冠/;
const AXIAL = /\bax|\btra(ns|\b)|\btr\b|横|轴/;
const PLAIN: Trait = { words: /plain|non.?con|nativ|pre.?con|平扫/ };
const ARTERIAL: Trait = { words: /art|动脉/ };
const VENOUS: Trait = { words: /port|ven|门|静脉/ };
const DELAYED: Trait = { words: /delay|late\b|equil|延迟|平衡/ };

/** Where the words of several traits are wanted of one series. */
function all(trait: Trait, ...words: RegExp[]): Trait {
  const parts = [trait.words, ...words].filter((one) => one !== undefined).map((one) => `(?=.*(?:${one.source}))`);
  return { ...trait, words: new RegExp(parts.join("")) };
}

/** What is known to this program, the particular before the general: of those that fit, the first hangs by itself. */
const PROTOCOLS: readonly Protocol[] = [
  {
    name: "mammography",
    modalities: ["MG"],
    least: 2,
    fixed: true,
    // Right and left face each other: the chest walls meet in the middle.
    slots: [
      { only: CC("R"), rows: "P" },
      { only: CC("L"), rows: "A" },
      { only: MLO("R"), rows: "P" },
      { only: MLO("L"), rows: "A" },
    ],
  },
  {
    name: "chestPrior",
    modalities: X_RAY,
    region: "chest",
    fixed: true,
    slots: [
      { needed: true, rather: [FRONTAL] },
      { needed: true, prior: true, rather: [FRONTAL] },
      { only: LATERAL },
      { only: LATERAL, prior: true },
    ],
  },
  {
    name: "chestPair",
    modalities: X_RAY,
    region: "chest",
    slots: [
      { needed: true, rather: [FRONTAL], only: NOT_LATERAL },
      { needed: true, only: LATERAL },
    ],
  },
  {
    name: "limb",
    modalities: X_RAY,
    region: "limb",
    least: 2,
    slots: [{ rather: [FRONTAL] }, { rather: [LATERAL] }, { rather: [OBLIQUE] }, {}],
  },
  {
    name: "ctChestPrior",
    modalities: ["CT"],
    region: "chest",
    linked: true,
    slots: [
      { needed: true, rather: [LUNG], window: "lung" },
      { needed: true, prior: true, rather: [LUNG], window: "lung" },
      { needed: true, again: true, rather: [SOFT], window: "mediastinum" },
      { needed: true, again: true, prior: true, rather: [SOFT], window: "mediastinum" },
    ],
  },
  {
    name: "ctChest",
    modalities: ["CT"],
    region: "chest",
    linked: true,
    slots: [
      { needed: true, rather: [SOFT], window: "mediastinum" },
      { needed: true, again: true, rather: [LUNG], window: "lung" },
    ],
  },
  {
    name: "ctHead",
    modalities: ["CT"],
    region: "head",
    linked: true,
    slots: [
      { needed: true, rather: [SOFT], window: "brain" },
      { needed: true, again: true, rather: [BONE], window: "bone" },
    ],
  },
  {
    name: "ctSpine",
    modalities: ["CT"],
    region: "spine",
    linked: true,
    slots: [
      { needed: true, rather: [BONE], window: "bone" },
      { needed: true, again: true, rather: [SOFT], window: "mediastinum" },
    ],
  },
  {
    name: "ctPhases",
    modalities: ["CT"],
    region: "abdomen",
    least: 2,
    linked: true,
    slots: [
      { only: PLAIN, window: "abdomen" },
      { only: ARTERIAL, window: "abdomen" },
      { only: VENOUS, window: "abdomen" },
      { only: DELAYED, window: "abdomen" },
    ],
  },
  {
    name: "ctAbdomen",
    modalities: ["CT"],
    region: "abdomen",
    linked: true,
    slots: [
      { needed: true, rather: [VENOUS, SOFT], window: "abdomen" },
      { needed: true, again: true, rather: [VENOUS, SOFT], window: "liver" },
    ],
  },
  {
    name: "mrBrain",
    modalities: ["MR"],
    region: "head",
    least: 2,
    linked: true,
    slots: [
      { only: T2, rather: [{ words: AXIAL }] },
      { only: FLAIR, rather: [{ words: AXIAL }] },
      { only: T1, rather: [{ words: AXIAL }] },
      { only: DIFFUSION },
    ],
  },
  {
    name: "mrSpine",
    modalities: ["MR"],
    region: "spine",
    least: 2,
    linked: true,
    slots: [
      { only: all({ ...T2, not: /stir|tirm|fs\b|fatsat|spair|压脂|脂肪抑制/ }, SAGITTAL) },
      { only: all(T1, SAGITTAL) },
      { only: all(FAT_SUPPRESSED, SAGITTAL) },
      { only: all(T2, AXIAL) },
    ],
  },
  {
    name: "mrJoint",
    modalities: ["MR"],
    region: "limb",
    least: 2,
    linked: true,
    slots: [
      { only: all(FAT_SUPPRESSED, SAGITTAL) },
      { only: all(FAT_SUPPRESSED, CORONAL) },
      { only: all(FAT_SUPPRESSED, AXIAL) },
      { only: T1 },
    ],
  },
  { name: "ultrasound", modalities: ["US", "IVUS"], plays: true, slots: [{ needed: true }] },
  { name: "angiography", modalities: ["XA", "RF"], plays: true, slots: [{ needed: true }, {}] },
  { name: "prior", modalities: null, linked: true, slots: [{ needed: true }, { needed: true, prior: true }] },
  { name: "single", modalities: null, slots: [{ needed: true }] },
  { name: "pair", modalities: null, offered: true, least: 2, slots: [{}, {}] },
  { name: "four", modalities: null, offered: true, least: 3, slots: [{}, {}, {}, {}] },
];

/** The names of all protocols, in their order. */
export const NAMES: readonly string[] = PROTOCOLS.map((one) => one.name);

/** Whether a protocol shows an earlier study. */
export function showsPrior(name: string): boolean {
  return PROTOCOLS.some((one) => one.name === name && ofPrior(one));
}

/** Every protocol that fits, hung: those with an earlier study only where there is one. */
export function fitting(study: Case, prior: Case | null): Hanging[] {
  return PROTOCOLS.map((one) => hang(one, study, prior)).filter((one) => one !== null);
}

/** Names of protocols that would fit with an earlier study, as far as this study tells. */
export function fittingWithPrior(study: Case): string[] {
  return PROTOCOLS.filter((one) => ofPrior(one) && hang(one, study, study) !== null).map((one) => one.name);
}

/** What hangs by itself: what the person wants where it fits, and else the first that does. Nothing only where there is no series. */
export function choose(study: Case, prior: Case | null, wanted: string | null): Hanging | null {
  const fit = fitting(study, prior);
  const byItself = fit.filter((one) => !PROTOCOLS.some((protocol) => protocol.name === one.name && protocol.offered));
  return (
    fit.find((one) => one.name === wanted) ?? byItself.find((one) => showsPrior(one.name) === (prior !== null)) ?? byItself.find((one) => !showsPrior(one.name)) ?? null
  );
}

/** For one pane where there is room for one: the first that something hangs in. */
export function narrowed(hanging: Hanging): Hanging {
  return { ...hanging, shape: "one", panes: hanging.panes.filter((one) => one !== null).slice(0, 1), linked: false };
}

/** The modality of a study for which a choice is remembered: that of its first series that somebody would read. */
export function modalityOf(study: Case): string {
  return read(study.series)[0]?.modality ?? "";
}

/** Which part of the body. What people write goes before Body Part Examined, which scanners often leave as it was for the patient before. */
export function regionOf(study: Case): Region | null {
  const said = [study.description, ...study.series.map((one) => one.description)];
  for (const words of [...said, ...study.series.map((one) => one.bodyPart)]) {
    for (const [region, known] of REGIONS) if (known.test(plain(words))) return region;
  }
  return null;
}

// === helpers ===

const REGIONS: readonly [Region, RegExp][] = [
  ["spine", /spine|lumbar|cervical|sacr|\b[clt] ?sp|椎|脊柱|骶/],
  ["breast", /breast|mammo|乳/],
  ["head", /head|brain|skull|crani|neuro|头|颅|脑/],
  ["chest", /chest|thora|lung|pulm|胸|肺/],
  ["abdomen", /abd|liver|hepat|pancrea|renal|kidney|pelvi|urogra|腹|肝|胆|脾|胰|肾|盆|泌尿|尿路/],
  ["limb", /hand|wrist|elbow|shoulder|knee|ankle|foot|\bhip\b|femur|tibia|humer|radius|ulna|finger|\btoe|\bleg\b|extrem|joint|手|腕|肘|肩|膝|踝|足|髋|股骨|胫|肱|桡|小腿|前臂|指|趾|四肢|关节/],
];

/** Series that were taken to plan others, or that tell doses: they are not what is read, where there is something else. */
const AIDS = /scout|topo|localizer|surview|scano|survey|dose|protocol|screen save|定位|剂量|校准/;

const SHAPES: readonly Shape[] = ["one", "one", "two", "four", "four"];

const PANES: Record<Shape, number> = { one: 1, two: 2, four: 4 };

/** One thing that may hang: a series, or one projection of it. */
interface Candidate {
  heading: Heading;
  picture: Picture | null;
}

/** Lower case, with words apart: scanners write `t2_tse_sag`. */
function plain(words: string): string {
  return words.toLowerCase().replace(/[_^.\-/]+/g, " ");
}

function ofPrior(protocol: Protocol): boolean {
  return protocol.slots.some((slot) => slot.prior === true);
}

function hang(protocol: Protocol, study: Case, prior: Case | null): Hanging | null {
  if (ofPrior(protocol) && prior === null) return null;
  if (protocol.modalities !== null && !protocol.modalities.includes(modalityOf(study))) return null;
  if (protocol.region !== undefined && [study, ...(ofPrior(protocol) && prior ? [prior] : [])].some((one) => regionOf(one) !== protocol.region)) return null;
  const pools = { study: candidates(study, protocol.modalities), prior: candidates(prior, protocol.modalities ?? [modalityOf(study)]) };
  if (ofPrior(protocol) && pools.prior.length === 0) pools.prior = protocol.modalities === null ? candidates(prior, null) : [];
  const taken = new Set<Candidate>();
  let beside = "";
  const panes = protocol.slots.map((slot) => {
    const found = best(slot, slot.prior ? pools.prior : pools.study, taken, slot.prior ? beside : "");
    if (found) taken.add(found);
    if (slot.prior !== true) beside = found?.heading.description ?? "";
    return found && { slot, found };
  });
  if (panes.some((one, index) => one === null && protocol.slots[index]!.needed)) return null;
  const filled = panes.filter((one) => one !== null);
  if (filled.length < (protocol.least ?? 1)) return null;
  const standing = protocol.fixed ? panes.slice(0, panes.findLastIndex((one) => one !== null) + 1) : filled;
  const shape = shapeOf(standing.length);
  const hung = standing.map((one) => one && hungOf(one.slot, one.found));
  while (hung.length < PANES[shape]) hung.push(null);
  return { name: protocol.name, shape, panes: hung, linked: protocol.linked === true && filled.length > 1, plays: protocol.plays === true };
}

function shapeOf(count: number): Shape {
  return SHAPES[Math.min(count, SHAPES.length - 1)]!;
}

function hungOf(slot: Slot, { heading, picture }: Candidate): Hung {
  const rows = picture?.rows.slice(0, 1) ?? "";
  const flipped = (slot.rows === "A" && rows === "P") || (slot.rows === "P" && rows === "A");
  return { study: heading.study, series: heading.uid, start: picture?.index ?? null, window: slot.window ?? null, flipped };
}

/** Those that are read; where there are none, all there are. */
function read(series: readonly Heading[]): readonly Heading[] {
  const found = series.filter((one) => !AIDS.test(plain(one.description)) && !(["CT", "MR", "PT"].includes(one.modality) && one.instances < 3));
  return found.length > 0 ? found : series;
}

function candidates(of: Case | null, modalities: readonly string[] | null): Candidate[] {
  if (of === null) return [];
  return read(of.series)
    .filter((heading) => modalities === null || modalities.includes(heading.modality))
    .flatMap((heading): Candidate[] => (heading.pictures.length > 0 ? heading.pictures.map((picture) => ({ heading, picture })) : [{ heading, picture: null }]));
}

/** What hangs in a slot best; of an earlier study rather what is called like that beside which it hangs. */
function best(slot: Slot, pool: readonly Candidate[], taken: ReadonlySet<Candidate>, beside: string): Candidate | null {
  let found: Candidate | null = null;
  let most = -1;
  for (const candidate of pool) {
    if (slot.only && !is(candidate, slot.only)) continue;
    if (taken.has(candidate) && slot.again !== true) continue;
    const wishes = slot.rather ?? [];
    let points = wishes.reduce((sum, trait, index) => sum + (is(candidate, trait) ? 2 ** (wishes.length - index) : 0), 0);
    if (!taken.has(candidate)) points += 0.5;
    if (beside !== "" && candidate.heading.description === beside) points += 1;
    // Of equals the first one in the order of the study.
    if (points > most) [found, most] = [candidate, points];
  }
  return found;
}

/** Whether it is like that. A view that is said in its attribute goes before words. */
function is({ heading, picture }: Candidate, trait: Trait): boolean {
  const words = plain(heading.description);
  const view = picture?.view.toLowerCase() ?? "";
  if (trait.laterality !== undefined && lateralityOf(words, picture) !== trait.laterality) return false;
  if (view !== "" && trait.views !== undefined) return trait.views.test(view);
  if (trait.not?.test(words)) return false;
  return trait.words?.test(words) ?? true;
}

function lateralityOf(words: string, picture: Picture | null): string {
  if (picture !== null && picture.laterality !== "") return picture.laterality;
  if (/右|\br(cc|mlo|t)?\b|right/.test(words)) return "R";
  return /左|\bl(cc|mlo|t)?\b|left/.test(words) ? "L" : "";
}
