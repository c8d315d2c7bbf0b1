// The texts of rights for a while, which the preview of a study needs too.
import { addTexts } from "../../i18n";
import en from "./en.json";
import zh from "./zh-CN.json";

addTexts("grants", { "zh-CN": zh, en });
