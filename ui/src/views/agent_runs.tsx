// What runs now: lanes with their caps, and the tree of runs with their sub-agents. Asked for each second while it is seen.
import { agentName, type AgentRow } from "../chat/picker";
import { openSession } from "../chat/store";
import { count, duration, restOf } from "../lib/format";
import { go } from "../lib/state";
import { useCall } from "../lib/use";
import { Badge, Empty, Failure, Loading, Meter, Section, Table, type Tone } from "../parts/basic";

interface Lane {
  used?: number;
  cap?: number;
  waiting?: number;
}

export interface RunRow {
  turn?: number | string;
  runId: string;
  sessionKey: string;
  agentId?: string;
  parentSessionKey?: string;
  lane?: string;
  depth?: number;
  state?: string;
  channel?: string;
  elapsedMs?: number;
  waitedMs?: number;
  model?: string;
  inputTokens?: number;
  outputTokens?: number;
}

interface RunsList {
  lanes?: Record<string, Lane>;
  limits?: Record<string, number>;
  runs?: RunRow[];
  recent?: RunRow[];
}

const LANES: Record<string, string> = { main: "Turns", subagent: "Sub-agents", cron: "Cron jobs" };
const LIMITS: Record<string, string> = { maxSpawnDepth: "Levels of sub-agents", maxChildrenPerAgent: "Children of one session" };
const TONES: Record<string, Tone> = { running: "info", model: "info", tool: "info", tools: "info", waiting: "warn", queued: "warn", failed: "bad", error: "bad", aborted: "warn", done: "ok", ok: "ok" };

/** Runs in the order of a tree: each parent, then its children. A run whose parent is not there stands at the top. */
function treeOf(runs: RunRow[]): { run: RunRow; level: number }[] {
  const parents = new Set(runs.map((run) => run.sessionKey));
  const out: { run: RunRow; level: number }[] = [];
  const seen = new Set<RunRow>();
  const add = (run: RunRow, level: number) => {
    if (seen.has(run)) return;
    seen.add(run);
    out.push({ run, level });
    for (const child of runs) if (child.parentSessionKey === run.sessionKey) add(child, level + 1);
  };
  for (const run of runs) if (!run.parentSessionKey || !parents.has(run.parentSessionKey)) add(run, 0);
  for (const run of runs) add(run, 0);
  return out;
}

function words(state: string | undefined): string {
  return (state ?? "running").replace(/_/g, " ");
}

function tone(state: string | undefined): Tone {
  return TONES[state ?? "running"] ?? (state?.startsWith("waiting") ? "warn" : "info");
}

function RunLine({ run, level, agents }: { run: RunRow; level: number; agents: AgentRow[] }) {
  const agent = agents.find((row) => row.id === run.agentId);
  return (
    <tr>
      <th scope="row">
        <div class="tree" style={{ paddingLeft: `${level * 1.4}rem` }}>
          {level > 0 && <span class="tree-branch" aria-hidden="true" />}
          <span aria-hidden="true">{agent?.identity?.emoji}</span>
          <span>
            {agentName(agent, run.agentId ?? "")}
            <button
              type="button"
              class="link-button tree-key"
              onClick={() => {
                openSession(run.sessionKey);
                go("chat");
              }}
            >
              {restOf(run.sessionKey)}
            </button>
          </span>
          {level > 0 && <span class="hidden-visually">, level {level}</span>}
        </div>
      </th>
      <td>
        <Badge tone={tone(run.state)}>{words(run.state)}</Badge>
      </td>
      <td>{run.lane ?? "–"}</td>
      <td class="number">{run.depth ?? 0}</td>
      <td class="number">{duration(run.elapsedMs)}</td>
      <td class="number">{duration(run.waitedMs)}</td>
      <td class="number">
        {count(run.inputTokens)} / {count(run.outputTokens)}
      </td>
      <td>
        <code>{run.model ?? "–"}</code>
      </td>
    </tr>
  );
}

const HEAD = ["Agent and session", "State", "Lane", "Depth", "Time", "Waited", "Tokens in / out", "Model"];

export function Runs({ agents }: { agents: AgentRow[] }) {
  const list = useCall<RunsList>("runs.list", {}, { everyMs: 1_000 });
  const lanes = Object.entries(list.data?.lanes ?? {});
  const runs = list.data?.runs ?? [];
  const recent = list.data?.recent ?? [];
  const limits = Object.entries(list.data?.limits ?? {}).filter(([name]) => LIMITS[name]);
  const most = (name: string): number => {
    if (name === "maxSpawnDepth") return Math.max(0, ...runs.map((run) => run.depth ?? 0));
    const children = new Map<string, number>();
    for (const run of runs) if (run.parentSessionKey) children.set(run.parentSessionKey, (children.get(run.parentSessionKey) ?? 0) + 1);
    return Math.max(0, ...children.values());
  };
  return (
    <Section title="At work now" note={list.data ? `${runs.length}` : undefined}>
      {list.error && <Failure text={list.error} retry={list.reload} />}
      {!list.data && !list.error && <Loading what="Looking" />}
      {list.data && (
        <>
          <div class="meters">
            {lanes.map(([name, lane]) => (
              <Meter key={name} label={LANES[name] ?? name} used={lane.used ?? 0} cap={lane.cap} note={lane.waiting ? `${lane.waiting} waiting` : "none waiting"} />
            ))}
            {limits.map(([name, cap]) => (
              <Meter key={name} label={LIMITS[name]!} used={most(name)} cap={cap} note={name === "maxSpawnDepth" ? "the deepest now" : "the most now"} />
            ))}
          </div>
          {runs.length === 0 ? (
            <Empty title="Nobody is at work">A turn shows up here as soon as it is accepted, with the sub-agents it starts.</Empty>
          ) : (
            <Table label="Runs in progress" head={HEAD}>
              {treeOf(runs).map(({ run, level }) => (
                <RunLine key={run.runId} run={run} level={level} agents={agents} />
              ))}
            </Table>
          )}
          {recent.length > 0 && (
            <details class="fold">
              <summary>Over lately ({recent.length})</summary>
              <Table label="Runs that are over" head={HEAD}>
                {recent.map((run) => (
                  <RunLine key={run.runId} run={run} level={0} agents={agents} />
                ))}
              </Table>
            </details>
          )}
        </>
      )}
    </Section>
  );
}
