// Copying also where the clipboard API is missing (plain-http origins).
import { notify } from "./state";

export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden-visually";
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) notify("The browser refused to copy; select the text instead.", "bad");
    return done;
  }
}
