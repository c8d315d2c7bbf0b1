// Texts in two languages. Those of the frame are here; each screen brings its own with `addTexts`, in one file per language beside it, so
// that they are loaded with the screen. A key that is missing in one language fails the tests.
import i18next, { type Resource } from "i18next";
import { initReactI18next } from "react-i18next";
import { preferences } from "../app/preferences";
import en from "./en.json";
import zh from "./zh-CN.json";

/** What is there before the first page is drawn: the frame, and parts of it that bring their own. */
const resources: Resource & Record<"zh-CN" | "en", Record<string, Texts>> = { "zh-CN": { app: zh }, en: { app: en } };

export async function startTexts(): Promise<void> {
  await i18next.use(initReactI18next).init({
    resources,
    lng: preferences().language,
    fallbackLng: false,
    defaultNS: "app",
    interpolation: { escapeValue: false },
    returnNull: false,
  });
}

type Texts = { [key: string]: string | Texts };

/** Adds the texts of a screen, or of a part of the frame, under its name. */
export function addTexts(name: string, texts: { "zh-CN": Texts; en: Texts }): void {
  if (!i18next.isInitialized) {
    resources["zh-CN"][name] = texts["zh-CN"];
    resources.en[name] = texts.en;
    return;
  }
  i18next.addResourceBundle("zh-CN", name, texts["zh-CN"]);
  i18next.addResourceBundle("en", name, texts.en);
}

/** Shows everything in another language, at once. */
export function speak(language: "zh-CN" | "en"): void {
  void i18next.changeLanguage(language);
}
