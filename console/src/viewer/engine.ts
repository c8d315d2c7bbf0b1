// The library that draws: started once, with one engine while the viewer is open. When the viewer is left, nothing of a patient stays in memory.
import {
  cache,
  Enums,
  eventTarget,
  getShouldUseCPURendering,
  init as startCore,
  metaData,
  RenderingEngine,
  setUseCPURendering,
  type Types,
} from "@cornerstonejs/core";
import { init as startLoader, wadors } from "@cornerstonejs/dicom-image-loader";
import {
  addTool,
  AngleTool,
  annotation,
  EllipticalROITool,
  Enums as ToolEnums,
  init as startTools,
  LengthTool,
  PanTool,
  RectangleROITool,
  StackScrollTool,
  ToolGroupManager,
  WindowLevelTool,
  ZoomTool,
} from "@cornerstonejs/tools";
import { request } from "../api/client";
import type { Tool } from "./keys";
import { forgetFrames, frameAt } from "./opening/frames";
import type { Stack } from "./study";

const ENGINE = "viewer";
const TOOL_GROUP = "viewer";

/** How much decoded pictures may take, in bytes: two series of a thousand slices. */
const CACHE_BYTES_MAX = 1024 * 1024 * 1024;

/** Contexts of the graphics processor: few, since integrated ones lose them when there are many. */
const CONTEXTS = 2;

/** As long as the decoding of a frame takes at most, in milliseconds. */
const FORGET_MS = 3_000;

/** The tools of the library; crosshairs are our own (`crosshair.ts`). */
const NAMES: Record<Exclude<Tool, "crosshair">, string> = {
  window: WindowLevelTool.toolName,
  zoom: ZoomTool.toolName,
  pan: PanTool.toolName,
  length: LengthTool.toolName,
  angle: AngleTool.toolName,
  ellipse: EllipticalROITool.toolName,
  rectangle: RectangleROITool.toolName,
};

let started = false;

const ended = new WeakSet<RenderingEngine>();

/** Frames that are on their way. */
const underway = new Set<XMLHttpRequest>();

/** When what is known of pictures is forgotten, if nobody opens a study before. */
let forgetting: number | undefined;

/** What the server answered instead of a frame, by the address of the frame. */
const refusals = new Map<string, number>();

/** What is needed to fetch pictures, before anything is drawn. */
export function startLoading(): void {
  window.clearTimeout(forgetting);
  if (!started) {
    startCore({ debug: {}, rendering: { webGlContextCount: CONTEXTS } });
    startLoader({
      beforeSend: (asked: XMLHttpRequest | null) => {
        if (!asked) return;
        underway.add(asked);
        asked.addEventListener("loadend", () => underway.delete(asked));
      },
      errorInterceptor: ({ request: asked }: { request?: XMLHttpRequest }) => {
        if (!asked) return;
        refusals.set(new URL(asked.responseURL || "/", window.location.origin).pathname, asked.status);
        // The frame of the console looks after sessions that are over; asking anything lets it know.
        if (asked.status === 401) request("/api/v1/me").catch(() => undefined);
      },
    });
    // The loader rejects what did not come a second time, where nobody can take it.
    window.addEventListener("unhandledrejection", (event) => {
      if (event.reason instanceof XMLHttpRequest) event.preventDefault();
    });
    startTools();
    for (const tool of [WindowLevelTool, ZoomTool, PanTool, LengthTool, AngleTool, EllipticalROITool, RectangleROITool, StackScrollTool]) addTool(tool);
    metaData.addProvider(framesThatAreThere);
    cache.setMaxCacheSize(CACHE_BYTES_MAX);
    dress();
    started = true;
  }
}

/** Starts drawing; what comes back draws, until it is ended. */
export function startEngine(words: MeasureWords): RenderingEngine {
  startLoading();
  const group = ToolGroupManager.createToolGroup(TOOL_GROUP);
  if (!group) throw new Error("the tools are in use already");
  for (const tool of [WindowLevelTool, ZoomTool, PanTool, StackScrollTool]) group.addTool(tool.toolName);
  group.addTool(LengthTool.toolName, {});
  group.addTool(AngleTool.toolName, {});
  for (const tool of [EllipticalROITool, RectangleROITool]) group.addTool(tool.toolName, { getTextLines: areaLines(words) });
  group.setToolActive(StackScrollTool.toolName, { bindings: [{ mouseButton: ToolEnums.MouseBindings.Wheel }] });
  useTool("window");
  return new RenderingEngine(ENGINE);
}

/** Whether an engine draws no more. Panes may outlive theirs for a moment. */
export function isEnded(engine: RenderingEngine): boolean {
  return ended.has(engine);
}

/** Takes a pane away from the engine. */
export function leavePane(engine: RenderingEngine, pane: string): void {
  if (!isEnded(engine)) engine.disableElement(pane);
}

/** Ends it. */
export function endEngine(engine: RenderingEngine): void {
  ended.add(engine);
  ToolGroupManager.destroyToolGroup(TOOL_GROUP);
  engine.destroy();
  annotation.state.removeAllAnnotations();
  refusals.clear();
}

/** Forgets all pictures and what is known of them. */
export function forgetPictures(): void {
  for (const asked of underway) asked.abort();
  forgetFrames();
  cache.purgeCache();
  // Those that are being decoded still ask what they are.
  forgetting = window.setTimeout(() => {
    cache.purgeCache();
    wadors.metaDataManager.purge();
  }, FORGET_MS);
}

/** Lets the tools work in a pane, too. */
export function addToTools(pane: string): void {
  ToolGroupManager.getToolGroup(TOOL_GROUP)?.addViewport(pane, ENGINE);
}

/** Draws as large as a pane is, whatever becomes of its size. */
export function keepSize(engine: RenderingEngine, element: Element): () => void {
  const observer = new ResizeObserver(() => {
    if (isEnded(engine)) return;
    // A picture that filled its pane does so afterwards, turned as it was; one that was zoomed stays as it is.
    const filling = engine.getViewports().filter((viewport) => hasPicture(viewport) && Math.abs(viewport.getZoom() - 1) < 0.01);
    const turned = filling.map((viewport) => ({ viewport, camera: viewport.getCamera(), rotation: viewport.getViewPresentation().rotation ?? 0 }));
    engine.resize(true, true);
    for (const { viewport, camera, rotation } of turned) {
      viewport.resetCamera();
      viewport.setCamera({ flipHorizontal: camera.flipHorizontal ?? false, flipVertical: camera.flipVertical ?? false });
      if (rotation !== 0) viewport.setViewPresentation({ rotation });
      viewport.render();
    }
  });
  observer.observe(element);
  return () => observer.disconnect();
}

/** What the left button does from now on. The middle one moves the picture and the right one zooms, whatever the left one does. */
export function useTool(tool: Tool): void {
  const group = ToolGroupManager.getToolGroup(TOOL_GROUP);
  if (!group) return;
  const { Primary, Secondary, Auxiliary } = ToolEnums.MouseBindings;
  for (const name of Object.values(NAMES)) group.setToolPassive(name, { removeAllBindings: true });
  const more: Partial<Record<Tool, number>> = { zoom: Secondary, pan: Auxiliary };
  for (const [of, button] of Object.entries(more)) {
    if (of !== tool) group.setToolActive(NAMES[of as keyof typeof NAMES], { bindings: [{ mouseButton: button }] });
  }
  if (tool === "crosshair") return;
  const other = more[tool];
  group.setToolActive(NAMES[tool], {
    bindings: [{ mouseButton: Primary }, ...(other === undefined ? [] : [{ mouseButton: other }])],
  });
}

/** Whether a graphics processor draws. */
export function onGraphics(): boolean {
  // The library looks for one when it starts.
  startLoading();
  return !getShouldUseCPURendering();
}

/** From now on the processor draws; for engines that are made afterwards. */
export function leaveGraphics(): void {
  setUseCPURendering(true, false);
}

/** Says when the browser took the graphics processor away. Integrated ones do that when much is asked of them. */
export function whenGraphicsLost(then: () => void): () => void {
  eventTarget.addEventListener(Enums.Events.WEBGL_CONTEXT_LOST, then);
  return () => eventTarget.removeEventListener(Enums.Events.WEBGL_CONTEXT_LOST, then);
}

/** What the loader has to know of slices before it fetches one of them. */
export function register(stack: Stack): void {
  for (const { imageId, data } of stack.slices) {
    wadors.metaDataManager.add(imageId, data as Parameters<typeof wadors.metaDataManager.add>[1]);
  }
}

export function stackOf(engine: RenderingEngine, pane: string): Types.IStackViewport | undefined {
  if (isEnded(engine)) return undefined;
  return engine.getViewport(pane) as Types.IStackViewport | undefined;
}

export function volumeOf(engine: RenderingEngine, pane: string): Types.IVolumeViewport | undefined {
  if (isEnded(engine)) return undefined;
  return engine.getViewport(pane) as unknown as Types.IVolumeViewport | undefined;
}

/** Takes away what was measured and is chosen, or else what was measured last. */
export function removeMeasure(): void {
  const chosen = annotation.selection.getAnnotationsSelected();
  const last = annotation.state.getAllAnnotations().at(-1)?.annotationUID;
  for (const uid of chosen.length > 0 ? chosen : last === undefined ? [] : [last]) annotation.state.removeAnnotation(uid);
}

/** What the server answered for a frame that did not come: its status, 0 where none came, or nothing where it came and cannot be read. */
export function refusalOf(imageId: string): number | undefined {
  return refusals.get(addressOf(imageId));
}

export function forgetRefusal(imageId: string): void {
  refusals.delete(addressOf(imageId));
}

interface MeasureWords {
  area: string;
  mean: string;
  deviation: string;
  range: string;
}

// === helpers ===

/** Frames that the study was opened with: the loader asks for them here before it asks the server. */
function framesThatAreThere(type: string, imageId: unknown) {
  const frame = type === Enums.MetadataModules.COMPRESSED_FRAME_DATA && typeof imageId === "string" ? frameAt(addressOf(imageId)) : undefined;
  return frame && { pixelData: frame.bytes, transferSyntaxUid: frame.transferSyntax };
}

/** The address of a frame in its name. */
function addressOf(imageId: string): string {
  return imageId.slice(imageId.indexOf(":") + 1);
}

function hasPicture(viewport: Types.IViewport): boolean {
  if ("getCornerstoneImage" in viewport) return (viewport as Types.IStackViewport).getCornerstoneImage() !== undefined;
  return viewport.getActors().length > 0;
}

interface AreaStatistics {
  area?: number;
  areaUnit?: string;
  mean?: number;
  stdDev?: number;
  min?: number;
  max?: number;
  modalityUnit?: string;
}

/** What stands beside a region: its size, and the values in it. */
function areaLines(words: MeasureWords) {
  return (data: { cachedStats?: Record<string, AreaStatistics> }, target: string | string[]): string[] | undefined => {
    const found = data.cachedStats?.[Array.isArray(target) ? (target[0] ?? "") : target];
    if (found?.area === undefined || !Number.isFinite(found.mean)) return undefined;
    const unit = found.modalityUnit ?? "";
    const one = (value: number | undefined) => (value ?? 0).toFixed(1);
    return [
      `${words.mean} ${one(found.mean)} ${unit}`,
      `${words.deviation} ${one(found.stdDev)}`,
      `${words.range} ${Math.round(found.min ?? 0)} … ${Math.round(found.max ?? 0)}`,
      `${words.area} ${one(found.area)} ${found.areaUnit ?? ""}`,
    ];
  };
}

/** Colours of measures that are seen on bright and dark tissue, and letters of the console. */
function dress(): void {
  const styles = annotation.config.style.getDefaultToolStyles();
  annotation.config.style.setDefaultToolStyles({
    ...styles,
    global: {
      ...styles["global"],
      color: "#ffd866",
      colorHighlighted: "#7fe3ff",
      colorSelected: "#7fe3ff",
      lineWidth: "1.5",
      textBoxColor: "#ffe9a8",
      textBoxColorHighlighted: "#c8f3ff",
      textBoxColorSelected: "#c8f3ff",
      textBoxFontFamily: 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif',
      textBoxFontSize: "13px",
    },
  });
}
