// Sessions: every conversation on record; rename, choose model and thinking, reset, delete, look inside.
import { useState } from "preact/hooks";
import { sessionName } from "../chat/picker";
import { busySessions } from "../chat/model";
import { openSession } from "../chat/store";
import { agentOf, count, relative } from "../lib/format";
import { gateway, go, notify, words } from "../lib/state";
import { useCall, useNow } from "../lib/use";
import { Badge, Empty, Page, Table, With } from "../parts/basic";
import { confirm } from "../parts/dialog";
import { SessionEdit, type Row } from "./session_edit";

const LIMIT = 200;

function Usage({ row, defaults }: { row: Row; defaults: any }) {
  const size = row.contextTokens ?? defaults?.contextTokens;
  if (!row.totalTokens) return <span class="muted">–</span>;
  return (
    <span class="numbers">
      {count(row.totalTokens)}
      {size ? <span class="muted"> / {count(size)}</span> : null}
    </span>
  );
}

export function SessionsView() {
  const [search, setSearch] = useState("");
  const [agent, setAgent] = useState("");
  const [editing, setEditing] = useState<Row | null>(null);
  const now = useNow();
  const agents: any[] = useCall("agents.list").data?.agents ?? [];
  const params: any = { limit: LIMIT, includeGlobal: true, includeUnknown: true, includeDerivedTitles: true };
  if (search.trim()) params.search = search.trim();
  if (agent) params.agentId = agent;
  const list = useCall<{ sessions: Row[]; count: number; defaults?: any }>("sessions.list", params, { everyMs: 15_000 });

  const act = async (row: Row, method: string, done: string) => {
    try {
      await gateway.call(method, { key: row.key });
      notify(done);
      setEditing(null);
      list.reload();
    } catch (failure) {
      notify(words(failure), "bad");
    }
  };
  const reset = async (row: Row) => {
    if (await confirm("Reset this session?", "Its history is put away and a new one begins. Runs in it, and their sub-agents, are stopped.", "Reset")) await act(row, "sessions.reset", "The session begins anew");
  };
  const remove = async (row: Row) => {
    if (await confirm("Delete this session?", `${row.key} and its history are removed.`, "Delete")) await act(row, "sessions.delete", "The session is deleted");
  };
  const open = (row: Row) => {
    openSession(row.key);
    go("chat");
  };

  return (
    <Page title="Sessions" lead="Every conversation on record: from this page, from channels, from the command line, of sub-agents.">
      <div class="row filters">
        <input type="search" class="input input-small" placeholder="Search" aria-label="Search sessions" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <select class="input input-small" aria-label="Agent" value={agent} onChange={(event) => setAgent(event.currentTarget.value)}>
          <option value="">All agents</option>
          {agents.map((row) => (
            <option key={row.id} value={row.id}>
              {row.identity?.name || row.name || row.id}
            </option>
          ))}
        </select>
      </div>
      <With of={list}>
        {(data) =>
          (data.sessions ?? []).length === 0 ? (
            <Empty title={search || agent ? "No session fits" : "No sessions yet"}>{!search && !agent && "The first message to an agent makes one."}</Empty>
          ) : (
            <Table label="Sessions" head={["Session", "Agent", "Kind", "Last used", "Tokens", "Model", null]}>
              {data.sessions.map((row) => (
                <tr key={row.key}>
                  <th scope="row">
                    <button type="button" class="link-button" onClick={() => open(row)}>
                      {sessionName(row, row.key)}
                    </button>
                    <div class="row tags">
                      {busySessions.value.has(row.key) && <Badge tone="info">at work</Badge>}
                      {row.abortedLastRun && <Badge tone="warn">last run stopped</Badge>}
                      {row.thinkingLevel && row.thinkingLevel !== "off" && <Badge>thinks {row.thinkingLevel}</Badge>}
                    </div>
                    <code class="muted key">{row.key}</code>
                  </th>
                  <td>{agentOf(row.key) || "–"}</td>
                  <td>{[row.kind, row.channel].filter(Boolean).join(" · ") || "–"}</td>
                  <td class="nowrap">{relative(row.updatedAt, now)}</td>
                  <td class="nowrap">
                    <Usage row={row} defaults={data.defaults} />
                  </td>
                  <td>
                    <code>{[row.modelProvider, row.model].filter(Boolean).join("/") || "–"}</code>
                  </td>
                  <td class="actions">
                    <button type="button" class="button button-small" onClick={() => setEditing(row)}>
                      Edit<span class="hidden-visually"> {row.key}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </With>
      {list.data && list.data.sessions?.length >= LIMIT && <p class="muted">The newest {LIMIT} are shown; search for the others.</p>}
      {editing && <SessionEdit row={editing} onClose={() => setEditing(null)} onSaved={list.reload} onOpen={() => open(editing)} onReset={() => void reset(editing)} onDelete={() => void remove(editing)} />}
    </Page>
  );
}
