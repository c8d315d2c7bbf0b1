// The words of documents, key images and badges.
import { addTexts } from "../../i18n";
import en from "./en.json";
import zh from "./zh-CN.json";

addTexts("objects", { "zh-CN": zh, en });
