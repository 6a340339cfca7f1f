// Which conversation is open, and all the others: a dialog with a search, and a way to begin a new one.
import { useState } from "preact/hooks";
import { agentOf, relative, restOf } from "../lib/format";
import { useCall } from "../lib/use";
import { Badge, Empty, With } from "../parts/basic";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icon";
import { busySessions, sessionKey } from "./model";
import { mainKey, newSession, openSession } from "./store";

export interface AgentRow {
  id: string;
  name?: string;
  identity?: { name?: string; emoji?: string };
}

export interface SessionRow {
  key: string;
  label?: string;
  displayName?: string;
  derivedTitle?: string;
  lastMessagePreview?: string;
  channel?: string;
  kind?: string;
  updatedAt?: number | null;
}

export function agentName(agent: AgentRow | undefined, id: string): string {
  return agent?.identity?.name || agent?.name || id || "the agent";
}

/** What a session is called: its label, its title, else what its key says. */
export function sessionName(row: SessionRow | undefined, key: string): string {
  if (row?.label) return row.label;
  if (key === mainKey() || restOf(key) === "main") return "Main conversation";
  if (row?.derivedTitle) return row.derivedTitle;
  if (row?.displayName && row.displayName !== key) return row.displayName;
  const [kind, ...rest] = restOf(key).split(":");
  const id = (rest[rest.length - 1] ?? "").slice(0, 8);
  if (kind === "web") return `Conversation ${id}`;
  if (kind === "subagent") return `Sub-agent ${id}`;
  return rest.length ? `${kind} ${id}` : restOf(key);
}

function NewSession({ agents, onDone }: { agents: AgentRow[]; onDone: () => void }) {
  const [agent, setAgent] = useState(agentOf(sessionKey.value) || agents[0]?.id || "main");
  return (
    <form
      class="new-session"
      onSubmit={(event) => {
        event.preventDefault();
        newSession(agent);
        onDone();
      }}
    >
      <label class="field field-inline">
        <span class="field-label">New with</span>
        <select class="input" value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
          {agents.map((row) => (
            <option key={row.id} value={row.id}>
              {row.identity?.emoji ? `${row.identity.emoji} ` : ""}
              {agentName(row, row.id)}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" class="button button-primary">
        <Icon name="plus" size={16} />
        Start
      </button>
    </form>
  );
}

export function SessionPicker({ agents, onClose }: { agents: AgentRow[]; onClose: () => void }) {
  const [search, setSearch] = useState("");
  const list = useCall<{ sessions: SessionRow[] }>("sessions.list", { limit: 200, includeDerivedTitles: true, includeLastMessage: true, includeGlobal: false, includeUnknown: false });
  const wanted = search.trim().toLowerCase();
  return (
    <Dialog title="Conversations" onClose={onClose} class="dialog-side">
      <NewSession agents={agents} onDone={onClose} />
      <input type="search" class="input" placeholder="Search" aria-label="Search conversations" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
      <With of={list}>
        {(data) => {
          const all = data.sessions ?? [];
          const main = mainKey();
          const rows = all.some((row) => row.key === main) ? all : [{ key: main } as SessionRow, ...all];
          const found = rows.filter((row) => !wanted || `${row.key} ${sessionName(row, row.key)} ${row.lastMessagePreview ?? ""}`.toLowerCase().includes(wanted));
          if (found.length === 0) return <Empty title="No conversation has these words" />;
          return (
            <ul class="pick-list">
              {found.map((row) => (
                <li key={row.key}>
                  <button
                    type="button"
                    class="pick"
                    aria-current={row.key === sessionKey.value ? "true" : undefined}
                    onClick={() => {
                      openSession(row.key);
                      onClose();
                    }}
                  >
                    <span class="pick-head">
                      <span class="pick-name">{sessionName(row, row.key)}</span>
                      {busySessions.value.has(row.key) && <Badge tone="info">at work</Badge>}
                      <span class="muted push">{row.updatedAt ? relative(row.updatedAt) : ""}</span>
                    </span>
                    <span class="pick-note muted">
                      {agentName(
                        agents.find((agent) => agent.id === agentOf(row.key)),
                        agentOf(row.key),
                      )}
                      {row.channel ? ` · ${row.channel}` : ""}
                      {row.lastMessagePreview ? ` · ${row.lastMessagePreview}` : ""}
                    </span>
                  </button>
                </li>
              ))}
            </ul>
          );
        }}
      </With>
    </Dialog>
  );
}
