// The chat: one conversation, and what is typed into it.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { agentOf, restOf } from "../lib/format";
import { pageConfig } from "../lib/state";
import { useCall, useNow } from "../lib/use";
import { Empty, Failure, Loading } from "../parts/basic";
import { Icon } from "../parts/icon";
import { Composer } from "./composer";
import { itemsOf, recordedTexts, type Item } from "./history";
import { EchoEntry, Entry, RunEntry, Working } from "./message";
import { agentName, SessionPicker, sessionName, type AgentRow, type SessionRow } from "./picker";
import { echoes, hasOlder, historyError, messages, runs, sessionKey, working, type Echo } from "./model";
import { loadHistory, loadOlder, newSession, stop } from "./store";

const NEAR_END = 80; // pixels

/** History with what is not on record yet at the place where it was said. */
function mixed(items: Item[], said: Echo[]): (Item | Echo)[] {
  const out: (Item | Echo)[] = [];
  let rest = said.filter((echo) => echo.state === "done");
  for (const item of items) {
    const at = "at" in item ? (item.at ?? 0) : 0;
    if (item.kind === "user" || item.kind === "agent") {
      for (const echo of rest.filter((other) => at > other.after)) out.push(echo);
      rest = rest.filter((other) => at <= other.after);
    }
    out.push(item);
  }
  return [...out, ...rest];
}

function Title({ agents }: { agents: AgentRow[] }) {
  const [open, setOpen] = useState(false);
  const key = sessionKey.value;
  const agent = agents.find((row) => row.id === agentOf(key));
  const list = useCall<{ sessions: SessionRow[] }>("sessions.list", { limit: 200, includeDerivedTitles: true, includeGlobal: false, includeUnknown: false }, { skip: !key || restOf(key) === "main" });
  const row = list.data?.sessions?.find((other) => other.key === key);
  return (
    <header class="chat-head">
      <span class="avatar" aria-hidden="true">
        {agent?.identity?.emoji || agentName(agent, agentOf(key)).slice(0, 1).toUpperCase()}
      </span>
      <h1 class="chat-title">
        <button type="button" class="title-button" aria-haspopup="dialog" onClick={() => setOpen(true)}>
          <span class="title-text">
            <span class="title-name">{key ? sessionName(row, key) : "Conversation"}</span>
            <span class="muted">{agentName(agent, agentOf(key))}</span>
          </span>
          <Icon name="chevron" size={16} />
          <span class="hidden-visually">Choose another conversation</span>
        </button>
      </h1>
      <button type="button" class="button button-small push" onClick={() => newSession(agentOf(key) || "main")}>
        <Icon name="plus" size={16} />
        New
      </button>
      {open && <SessionPicker agents={agents} onClose={() => setOpen(false)} />}
    </header>
  );
}

function Welcome({ name }: { name: string }) {
  return (
    <Empty title={`This is the beginning of a conversation with ${name}`}>
      <p>Ask something. Answers stream in as they are made; you can stop one, or type on while it runs.</p>
    </Empty>
  );
}

export function ChatView() {
  const list = messages.value;
  const scroller = useRef<HTMLDivElement>(null);
  const pinned = useRef(true);
  const [away, setAway] = useState(false);
  const now = useNow(1_000);
  const agents = useCall<{ agents: AgentRow[] }>("agents.list").data?.agents ?? [];
  const name = agentName(
    agents.find((row) => row.id === agentOf(sessionKey.value)),
    pageConfig.value.assistantName || agentOf(sessionKey.value),
  );
  const items = useMemo(() => itemsOf(list ?? []), [list]);
  const recorded = useMemo(() => recordedTexts(list ?? []), [list]);
  const known = useMemo(() => new Set(items.flatMap((item) => (item.kind === "tool" ? [item.tool.id] : []))), [items]);
  const going = runs.value;
  const busy = working();
  const said = echoes.value;

  useEffect(() => {
    const escape = (event: KeyboardEvent) => {
      if (event.key === "Escape" && working() && !document.querySelector("dialog[open]")) void stop();
    };
    addEventListener("keydown", escape);
    return () => removeEventListener("keydown", escape);
  }, []);

  useLayoutEffect(() => {
    pinned.current = true;
  }, [sessionKey.value]);

  useLayoutEffect(() => {
    const box = scroller.current;
    if (box && pinned.current) box.scrollTop = box.scrollHeight;
  }, [items, going, said, now]);

  const onScroll = () => {
    const box = scroller.current!;
    pinned.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END;
    setAway(!pinned.current);
  };

  const older = async () => {
    const box = scroller.current!;
    const fromEnd = box.scrollHeight - box.scrollTop;
    pinned.current = false;
    await loadOlder();
    requestAnimationFrame(() => (box.scrollTop = box.scrollHeight - fromEnd));
  };

  return (
    <div class="chat">
      <Title agents={agents} />
      <div class="chat-scroll" ref={scroller} onScroll={onScroll} tabIndex={0} role="region" aria-label="Messages">
        <div class="chat-column">
          {hasOlder.value && (
            <button type="button" class="button button-small older" onClick={older}>
              Show older messages
            </button>
          )}
          {historyError.value && <Failure text={historyError.value} retry={() => void loadHistory()} />}
          {list === null && !historyError.value && <Loading what="Loading the conversation" />}
          {list !== null && items.length === 0 && said.length === 0 && going.length === 0 && <Welcome name={name} />}
          {mixed(items, said).map((entry) => ("runId" in entry ? <EchoEntry key={entry.runId} echo={entry} /> : <Entry key={entry.key} item={entry} live={entry.kind === "tool" && !entry.tool.done && busy} />))}
          {said
            .filter((echo) => echo.state === "running")
            .map((echo) => (
              <EchoEntry key={echo.runId} echo={echo} />
            ))}
          {going.map((run) => (
            <RunEntry key={run.runId} run={run} recorded={recorded} known={known} now={now} />
          ))}
          {busy && going.every((run) => run.over) && <Working words="Waiting for its turn" />}
          {said
            .filter((echo) => echo.state === "sending" || echo.state === "queued" || echo.state === "failed")
            .map((echo) => (
              <EchoEntry key={echo.runId} echo={echo} />
            ))}
        </div>
      </div>
      {away && (
        <button
          type="button"
          class="to-end"
          onClick={() => {
            pinned.current = true;
            setAway(false);
            scroller.current!.scrollTop = scroller.current!.scrollHeight;
          }}
        >
          <Icon name="down" size={16} />
          To the end
        </button>
      )}
      <Composer agentName={name} />
    </div>
  );
}
