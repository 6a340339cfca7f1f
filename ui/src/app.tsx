// The shell: navigation, the status of the connection, notices; one view at a time.
import type { FunctionComponent } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ChatView } from "./chat/view";
import { pendingPairs } from "./lib/pairs";
import { go, hello, link, notices, pageConfig, route, spoken, theme, wasOnline, type Theme } from "./lib/state";
import { Approvals } from "./parts/approvals";
import { Badge, Dot, type Tone } from "./parts/basic";
import { ConfirmHost } from "./parts/dialog";
import { Icon, Mark } from "./parts/icon";
import { Connection, statusWords } from "./parts/connection";
import { AgentsView } from "./views/agents";
import { BusView } from "./views/bus";
import { ChannelsView } from "./views/channels";
import { ConfigView } from "./views/config";
import { CronView } from "./views/cron";
import { DevicesView } from "./views/devices";
import { LogsView } from "./views/logs";
import { SessionsView } from "./views/sessions";
import { SkillsView } from "./views/skills";

const VIEWS: { id: string; name: string; group: string; view: FunctionComponent }[] = [
  { id: "chat", name: "Chat", group: "Talk", view: ChatView },
  { id: "agents", name: "Agents", group: "Talk", view: AgentsView },
  { id: "sessions", name: "Sessions", group: "Talk", view: SessionsView },
  { id: "channels", name: "Channels", group: "Reach", view: ChannelsView },
  { id: "devices", name: "Devices", group: "Reach", view: DevicesView },
  { id: "cron", name: "Cron", group: "Reach", view: CronView },
  { id: "skills", name: "Skills", group: "Reach", view: SkillsView },
  { id: "config", name: "Config", group: "Run", view: ConfigView },
  { id: "logs", name: "Logs", group: "Run", view: LogsView },
  { id: "bus", name: "Bus", group: "Run", view: BusView },
];

const THEMES: Theme[] = ["auto", "light", "dark"];

function ThemeButton() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length]!;
  const names = { auto: "as the system", light: "light", dark: "dark" };
  const icon = { auto: "auto", light: "sun", dark: "moon" }[theme.value];
  return (
    <button type="button" class="icon-button" aria-label={`Colours: ${names[theme.value]}. Change to ${names[next]}`} title={`Colours: ${names[theme.value]}`} onClick={() => (theme.value = next)}>
      <Icon name={icon} />
    </button>
  );
}

function Navigation({ onGo }: { onGo: () => void }) {
  const groups = [...new Set(VIEWS.map((view) => view.group))];
  return (
    <nav aria-label="Views">
      {groups.map((group) => (
        <ul key={group} class="nav-group">
          {VIEWS.filter((view) => view.group === group).map((view) => (
            <li key={view.id}>
              <a href={`#/${view.id}`} class="nav-link" aria-current={route.value.view === view.id ? "page" : undefined} onClick={onGo}>
                <Icon name={view.id} />
                {view.name}
                {view.id === "devices" && pendingPairs.value > 0 && (
                  <span class="push">
                    <Badge tone="warn" title="devices wait for approval">
                      {pendingPairs.value}
                    </Badge>
                  </span>
                )}
              </a>
            </li>
          ))}
        </ul>
      ))}
    </nav>
  );
}

function Status() {
  const { phase } = link.value;
  const tone: Tone = phase === "online" ? "ok" : phase === "asking" ? "bad" : "warn";
  const server = hello.value?.server;
  return (
    <div class="status" title={server?.host ? `${server.host}, version ${server.version ?? "unknown"}` : undefined}>
      <Dot tone={tone} />
      <span>{statusWords(link.value)}</span>
    </div>
  );
}

function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={`notice notice-${notice.kind}`}>
          <Icon name={notice.kind === "ok" ? "check" : "warn"} />
          {notice.text}
        </div>
      ))}
    </div>
  );
}

export function App() {
  const [open, setOpen] = useState(false);
  const main = useRef<HTMLElement>(null);
  const menu = useRef<HTMLButtonElement>(null);
  const current = VIEWS.find((view) => view.id === route.value.view) ?? VIEWS[0]!;
  const first = useRef(true);

  useEffect(() => {
    const name = pageConfig.value.assistantName || "openclaw";
    document.title = `${current.name} · ${name}`;
    if (first.current) first.current = false;
    else main.current?.focus({ preventScroll: true });
    main.current?.scrollTo(0, 0);
  }, [current.id]);

  useEffect(() => {
    if (!open) return;
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      menu.current?.focus();
    };
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, [open]);

  useEffect(() => {
    if (!VIEWS.some((view) => view.id === route.value.view)) go("chat");
  }, [route.value.view]);

  const View = current.view;
  return (
    <div class={open ? "shell shell-open" : "shell"}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault(); // the hash is the route
          main.current?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="topbar">
        <button type="button" ref={menu} class="icon-button" aria-label={open ? "Close the menu" : "Open the menu"} aria-expanded={open} aria-controls="sidebar" onClick={() => setOpen(!open)}>
          <Icon name={open ? "close" : "menu"} size={20} />
        </button>
        <span class="topbar-title">{current.name}</span>
        <Status />
      </header>
      <div class="scrim" onClick={() => setOpen(false)} />
      <aside class="sidebar" id="sidebar" aria-label="openclaw">
        <a class="brand" href="#/chat" onClick={() => setOpen(false)}>
          <Mark />
          <span>openclaw</span>
        </a>
        <Navigation onGo={() => setOpen(false)} />
        <div class="sidebar-foot">
          <Status />
          <ThemeButton />
        </div>
      </aside>
      <main ref={main} tabIndex={-1} id="main" class={current.id === "chat" ? "main main-chat" : "main"} aria-label={current.name}>
        <Connection />
        {(wasOnline.value || !link.value.problem) && <View />}
      </main>
      <Notices />
      <Approvals />
      <ConfirmHost />
      <div class="hidden-visually" role="status" aria-live="polite">
        {spoken.value}
      </div>
    </div>
  );
}
