// What the whole page shares: the link to the gateway, the route, the theme, and short notices.
import { effect, signal } from "@preact/signals";
import { Gateway, type Hello, type Link } from "./gateway";
import { local } from "./storage";

export const link = signal<Link>({ phase: "connecting" });
export const hello = signal<Hello | null>(null);
/** Whether this page was ever connected: before, there is nothing to show but how to get in. */
export const wasOnline = signal(false);

export interface PageConfig {
  basePath: string;
  assistantName: string;
  assistantAvatar: string;
  assistantAgentId: string;
}
export const pageConfig = signal<PageConfig>({ basePath: "", assistantName: "", assistantAvatar: "", assistantAgentId: "" });

export let gateway: Gateway;

/** Take a secret out of the address (#token=, ?token=), so that neither history nor a copied link keeps it. */
export function takeFromAddress(): { token: string; session: string } {
  const url = new URL(location.href);
  const hash = url.hash.replace(/^#\/?/, "");
  const inHash = new URLSearchParams(/(^|&)(token|session)=/.test(hash) && !hash.includes("?") ? hash : "");
  const token = inHash.get("token") ?? url.searchParams.get("token") ?? "";
  const session = inHash.get("session") ?? url.searchParams.get("session") ?? "";
  if (token || session || url.searchParams.has("password")) {
    for (const name of ["token", "password", "session"]) url.searchParams.delete(name);
    if ([...inHash.keys()].length) url.hash = "#/chat";
    history.replaceState(null, "", url);
  }
  return { token, session };
}

/** basePath and the assistant's name, from beside the page. A page served from elsewhere goes without. */
async function loadPageConfig(): Promise<void> {
  try {
    const answer = await fetch(new URL("__openclaw/control-ui-config.json", document.baseURI), { cache: "no-store" });
    const config = await answer.json();
    pageConfig.value = { ...pageConfig.value, ...config };
  } catch {
    // the defaults stand
  }
}

export async function startGateway(token: string): Promise<void> {
  await loadPageConfig();
  const base = (pageConfig.value.basePath ?? "").replace(/\/+$/, "");
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${base}/`;
  gateway = new Gateway(url, (next) => {
    hello.value = gateway?.hello ?? null;
    if (next.phase === "online") wasOnline.value = true;
    link.value = next;
  });
  for (const listener of starters) listener(gateway);
  if (token) gateway.signIn(token);
  else gateway.connect();
}

const starters: ((gateway: Gateway) => void)[] = [];
/** Run once the gateway exists, before it connects: where stores hook on to its events. */
export function onStart(listener: (gateway: Gateway) => void): void {
  starters.push(listener);
}

// --- route: #/view/rest --------------------------------------------------------------------------------------------

export const route = signal<{ view: string; rest: string }>(parseRoute());

function parseRoute(): { view: string; rest: string } {
  const [view = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  let tail = rest.join("/");
  try {
    tail = decodeURIComponent(tail);
  } catch {
    tail = "";
  }
  return { view: view || "chat", rest: tail };
}

addEventListener("hashchange", () => (route.value = parseRoute()));

export function go(view: string, rest = ""): void {
  location.hash = `#/${view}${rest ? `/${encodeURIComponent(rest)}` : ""}`;
}

// --- theme ---------------------------------------------------------------------------------------------------------

export type Theme = "auto" | "light" | "dark";
export const theme = signal<Theme>((local.get("openclaw.theme") as Theme | null) ?? "auto");

effect(() => {
  if (theme.value === "auto") document.documentElement.removeAttribute("data-theme");
  else document.documentElement.dataset.theme = theme.value;
  local.set("openclaw.theme", theme.value);
});

// --- notices -------------------------------------------------------------------------------------------------------

export interface Notice {
  id: number;
  kind: "ok" | "bad";
  text: string;
}
export const notices = signal<Notice[]>([]);
let lastNotice = 0;
const NOTICES_MAX = 4;

export function notify(text: string, kind: "ok" | "bad" = "ok"): void {
  const id = ++lastNotice;
  notices.value = [...notices.value.slice(1 - NOTICES_MAX), { id, kind, text }];
  setTimeout(() => (notices.value = notices.value.filter((n) => n.id !== id)), kind === "ok" ? 4_000 : 9_000);
}

export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Spoken by screen readers; nothing is seen. */
export const spoken = signal("");
