// Where the console begins: theme and language of this browser, then the whole of it.
import { createRoot } from "react-dom/client";
import { App } from "./app/App";
import { applyPreferences } from "./app/preferences";
import { startTexts } from "./i18n";
import "./styles.css";

applyPreferences();
await startTexts();
const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
